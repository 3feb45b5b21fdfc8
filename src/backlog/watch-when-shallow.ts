// Watches the spool only while it is shallow. A deep spool has work enough, and watching it would
// cost a look at every file.
import { type HintSource, SpoolWatcher, type WatcherEvents } from './watcher.ts';

export interface WatchBounds {
  readonly files: number;
  readonly folders: number;
}

const SHALLOW: WatchBounds = { files: 2_000, folders: 200 };
// Watching begins well below the limit at which it ends, so that a spool at the limit does not
// switch again and again.
const BEGIN_SHARE = 0.5;

/** Makes a source of hints; see SpoolWatcher. */
export type WatcherFactory = (path: string, events: WatcherEvents) => HintSource;

/**
 * Starts and stops the watcher as the size of the spool requires. When the system has no watches
 * left, it reports this once and leaves the work to scans.
 */
export class WatchWhenShallow {
  readonly #path: string;
  readonly #bounds: WatchBounds;
  readonly #create: WatcherFactory;
  readonly #events: WatcherEvents;
  #watcher: HintSource | undefined;
  #ready = false;
  #unavailable = false;
  #deep = false;
  #closing: Promise<unknown> = Promise.resolve();

  constructor(
    path: string,
    events: WatcherEvents,
    bounds: WatchBounds = SHALLOW,
    create: WatcherFactory = (watched, watcherEvents) => new SpoolWatcher(watched, watcherEvents),
  ) {
    this.#path = path;
    this.#bounds = bounds;
    this.#create = create;
    this.#events = events;
  }

  /** True if watches are in place. */
  get watching(): boolean {
    return this.#ready;
  }

  get deep(): boolean {
    return this.#deep;
  }

  /** Begins or ends watching, depending on what a scan counted. */
  adapt(files: number, folders: number): void {
    const share = this.#watcher === undefined ? BEGIN_SHARE : 1;
    this.#deep = files >= this.#bounds.files * share || folders >= this.#bounds.folders * share;
    if (this.#deep) this.#end();
    else if (this.#watcher === undefined && !this.#unavailable) this.#begin();
  }

  /** Ends watching until the next adapt(). `deep` does not change. */
  pause(): void {
    this.#end();
  }

  /** Resolves when nothing is watched any more. adapt() may begin again. */
  async stop(): Promise<void> {
    this.#end();
    await this.#closing;
  }

  #begin(): void {
    const watcher = this.#create(this.#path, {
      onHint: this.#events.onHint,
      onReady: () => {
        this.#ready = !this.#unavailable;
        this.#events.onReady();
      },
      onUnavailable: (code) => {
        this.#unavailable = true;
        this.#end();
        this.#events.onUnavailable(code);
      },
    });
    this.#watcher = watcher;
    watcher.start();
  }

  #end(): void {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    this.#ready = false;
    if (watcher !== undefined) this.#closing = Promise.all([this.#closing, watcher.stop()]);
  }
}
