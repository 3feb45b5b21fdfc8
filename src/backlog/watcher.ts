// Passes on that something happened in the spool, to shorten the wait for the next scan.
import { basename, relative } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { SpoolPath } from '../spool/entry.ts';
import { PRIVATE_FOLDER, PROBE_PREFIX } from '../spool/private-folder.ts';
import { errnoOf } from '../system/fault.ts';

export interface WatcherEvents {
  /**
   * Something may have happened, to `path` if that is known. `renamed`: the name appeared or
   * disappeared. `written`: the file was written to.
   */
  readonly onHint: (path?: SpoolPath, what?: 'renamed' | 'written') => void;
  /**
   * Watches are in place. Only what happens from now on gives hints; a scan must find what happened
   * before.
   */
  readonly onReady: () => void;
  /**
   * The system has no watches left (`ENOSPC`, `EMFILE`), so no hints will come. Called at most
   * once; stop() is still needed.
   */
  readonly onUnavailable: (code: string) => void;
}

/** The part of the watcher that the backlog uses. */
export interface HintSource {
  start(): void;
  /** No event is passed on after the call, even before it resolves. */
  stop(): Promise<void>;
}

const OUT_OF_WATCHES: ReadonlySet<string> = new Set(['ENOSPC', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * A source of hints, not of facts: events may be late, missing or wrong, and the backlog is right
 * without them. Uses chokidar on folders only.
 */
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
      // A watch on every file would cost more than it gives: the folder's watch already names the
      // file.
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
    // A name that is not UTF-8 arrives damaged. It still counts as a hint without a path.
    const isKnown = path !== this.#path && !path.includes('\ufffd');
    // Node.js has only two names for the events of inotify(7).
    const what = event === 'rename' ? 'renamed' : 'written';
    this.#events.onHint(isKnown ? SpoolPath.from(relative(this.#path, path)) : undefined, what);
  }

  #error(error: unknown): void {
    const code = errnoOf(error);
    // Any other error is about a single folder. A scan finds out what is there.
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
