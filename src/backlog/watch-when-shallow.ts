// Watches the spool only while it is shallow: a deep one has work enough, and watching it costs a
// look at every file. When the system has no watches left, says so once and leaves it to the scans.
import { type HintSource, SpoolWatcher, type WatcherEvents } from './watcher.ts';

export interface WatchLimits {
  readonly files: number;
  readonly folders: number;
}

const SHALLOW: WatchLimits = { files: 2_000, folders: 200 };
// Watching begins well below the limit at which it ends, so that a spool at the limit does not go
// to and fro.
const BEGIN_SHARE = 0.5;

/** Makes what is started and stopped; see SpoolWatcher. */
export type WatcherFactory = (path: string, events: WatcherEvents) => HintSource;

export class WatchWhenShallow {
  readonly #path: string;
  readonly #limits: WatchLimits;
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
    limits: WatchLimits = SHALLOW,
    create: WatcherFactory = (watched, watcherEvents) => new SpoolWatcher(watched, watcherEvents),
  ) {
    this.#path = path;
    this.#limits = limits;
    this.#create = create;
    this.#events = events;
  }

  /** Watches are in place. */
  get watching(): boolean {
    return this.#ready;
  }

  get deep(): boolean {
    return this.#deep;
  }

  /** Begins or ends watching, as what a scan counted asks for. */
  adapt(files: number, folders: number): void {
    const share = this.#watcher === undefined ? BEGIN_SHARE : 1;
    this.#deep = files >= this.#limits.files * share || folders >= this.#limits.folders * share;
    if (this.#deep) this.#end();
    else if (this.#watcher === undefined && !this.#unavailable) this.#begin();
  }

  /** Until the next adapt(); the spool counts as as deep as it was. */
  pause(): void {
    this.#end();
  }

  /** Nothing is watched any more when it resolves; adapt() may begin again. */
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
