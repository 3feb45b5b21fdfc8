// Follows the daemon's log file and picks out the files that went.
import { type FileHandle, open } from 'node:fs/promises';

export interface UploadedRecord {
  /** `alreadyThere`: the bucket held the same bytes under that key. */
  readonly event: 'uploaded' | 'alreadyThere';
  readonly file: string;
  readonly bytes: number;
  readonly durationMs: number;
}

const DISPOSED = /"event":"(uploaded|alreadyThere)"/;

export class LogFollower {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #unfinished = '';

  constructor(path: string) {
    this.#path = path;
  }

  async start(): Promise<void> {
    this.#handle = await open(this.#path);
  }

  async stop(): Promise<void> {
    await this.#handle?.close();
  }

  /** What was written since the last call. A line that is not yet whole waits for the next one. */
  async uploads(): Promise<UploadedRecord[]> {
    const text = this.#unfinished + ((await this.#handle?.readFile('utf8')) ?? '');
    const lines = text.split('\n');
    this.#unfinished = lines.pop() ?? '';
    return lines.filter((line) => DISPOSED.test(line)).map((line) => JSON.parse(line));
  }
}
