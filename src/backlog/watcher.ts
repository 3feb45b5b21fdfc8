// Shortens the wait for the next scan by passing on that something happened. A source of hints,
// never of facts: events may be late, missing or about nothing, and the backlog is right without
// any.
import { basename, relative } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { SpoolPath } from '../spool/entry.ts';
import { PRIVATE_FOLDER, PROBE_PREFIX } from '../spool/private-folder.ts';
import { errnoOf } from '../system/fault.ts';

export interface WatcherEvents {
  /**
   * Something may have happened, to `path` if that is known: the name came or went, or the file was
   * written to.
   */
  readonly onHint: (path?: SpoolPath, what?: 'renamed' | 'written') => void;
  /**
   * Watches are in place: what happens from now on gives hints, what happened before needs a scan.
   */
  readonly onReady: () => void;
  /**
   * The system has no watches left (`ENOSPC`, `EMFILE`): no hints will come. Called at most once;
   * stop() remains due.
   */
  readonly onUnavailable: (code: string) => void;
}

/** The part of the watcher the backlog uses. */
export interface HintSource {
  start(): void;
  /** No event is passed on after the call, even before it resolves. */
  stop(): Promise<void>;
}

const OUT_OF_WATCHES: ReadonlySet<string> = new Set(['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM']);

export class SpoolWatcher implements HintSource {
  readonly #path: string;
  readonly #events: WatcherEvents;
  #watcher: FSWatcher | undefined;
  #isUnavailable = false;

  constructor(path: string, events: WatcherEvents) {
    this.#path = path;
    this.#events = events;
  }

  start(): void {
    const watcher = watch(this.#path, {
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      // A watch on every file would cost more than it tells: the folder's own watch names the file
      // touched.
      ignored: (path, stats) => this.#isPrivate(path) || (stats !== undefined && !stats.isDirectory()),
    });
    this.#watcher = watcher;
    const whileWatching = (act: () => void) => {
      if (this.#watcher === watcher) act();
    };
    watcher.on('ready', () => whileWatching(this.#events.onReady));
    // A new folder may have been filled before its watch was in place.
    watcher.on('addDir', () => whileWatching(() => this.#events.onHint()));
    watcher.on('raw', (event, name, details) => whileWatching(() => this.#raw(event, name, details)));
    watcher.on('error', (error) => whileWatching(() => this.#error(error)));
  }

  async stop(): Promise<void> {
    const watcher = this.#watcher;
    this.#watcher = undefined;
    await watcher?.close();
  }

  #raw(event: unknown, name: unknown, details: unknown): void {
    const folder = watchedPathOf(details);
    const path = typeof name === 'string' && folder !== undefined ? `${folder}/${name}` : this.#path;
    if (this.#isPrivate(path) || basename(path).startsWith(PROBE_PREFIX)) return;
    // A name that is no UTF-8 arrives mangled; as a hint without a path it still counts.
    const isKnown = path !== this.#path && !path.includes('\ufffd');
    // Node.js has two names for the events of inotify(7).
    const what = event === 'rename' ? 'renamed' : 'written';
    this.#events.onHint(isKnown ? SpoolPath.from(relative(this.#path, path)) : undefined, what);
  }

  #error(error: unknown): void {
    const code = errnoOf(error);
    // Any other error is about some folder: a scan tells what is there.
    if (code === undefined || !OUT_OF_WATCHES.has(code)) this.#events.onHint();
    else if (!this.#isUnavailable) {
      this.#isUnavailable = true;
      this.#events.onUnavailable(code);
    }
  }

  #isPrivate(path: string): boolean {
    return relative(this.#path, path).split('/', 1)[0] === PRIVATE_FOLDER;
  }
}

function watchedPathOf(details: unknown): string | undefined {
  if (typeof details !== 'object' || details === null || !('watchedPath' in details)) return undefined;
  return typeof details.watchedPath === 'string' ? details.watchedPath : undefined;
}
