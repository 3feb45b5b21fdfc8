// A spool in memory, as the door sees it. A test makes its calls wait or fail.
import { createHash } from 'node:crypto';
import type { ReceivedFile, SpoolEntrance } from '../../src/ingest/ingest-ports.ts';
import type { DepositContent } from '../../src/spool/deposit-content.ts';
import type { SpoolPath } from '../../src/spool/entry.ts';

export type SpoolCall = 'begin' | 'write' | 'publish' | 'discard' | 'find' | 'freeSpace';

export interface StalledDisk {
  /** A call waits. */
  readonly isReached: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

export class MemorySpool implements SpoolEntrance {
  /** By path. */
  readonly files = new Map<string, Buffer>();
  readonly folders = new Set<string>();
  /** Files that were begun and not yet discarded. */
  readonly open = new Set<ReceivedFile>();
  writtenBytes = 0;
  freeBytes = 1e12;
  freeFiles: number | undefined = 1e6;
  /** Runs before each call. */
  before: (call: SpoolCall) => void | Promise<void> = () => undefined;

  /** From now on, each `call` waits until the returned disk resolves or rejects. */
  stall(call: SpoolCall): StalledDisk {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const disk = { isReached: false, resolve, reject };
    this.before = (each) => {
      if (each !== call) return undefined;
      disk.isReached = true;
      return promise;
    };
    return disk;
  }

  async begin(): Promise<ReceivedFile> {
    await this.before('begin');
    const chunks: Buffer[] = [];
    const file: ReceivedFile = {
      write: async (chunk) => {
        await this.before('write');
        this.writtenBytes += chunk.byteLength;
        chunks.push(Buffer.from(chunk));
      },
      publish: async (path, content, mode) => {
        await this.before('publish');
        return this.#publish(path, Buffer.concat(chunks), content, mode);
      },
      discard: async () => {
        await this.before('discard');
        this.open.delete(file);
      },
    };
    this.open.add(file);
    return file;
  }

  async freeSpace() {
    await this.before('freeSpace');
    return { bytes: this.freeBytes, files: this.freeFiles };
  }

  async find(path: SpoolPath, signal: AbortSignal): Promise<DepositContent | undefined> {
    const aborted = Promise.withResolvers<never>();
    signal.addEventListener('abort', () => aborted.reject(signal.reason));
    await Promise.race([this.before('find'), aborted.promise]);
    const content = this.files.get(path.bytes.toString());
    return content && { sizeBytes: content.byteLength, sha256: sha256(content) };
  }

  #publish(path: SpoolPath, bytes: Buffer, content: DepositContent, mode: 'new' | 'replace') {
    if (!content.sha256.equals(sha256(bytes)) || content.sizeBytes !== bytes.byteLength)
      throw new Error('the door has the wrong digest');
    const name = path.bytes.toString();
    if (this.folders.has(name)) return 'taken';
    const there = this.files.get(name);
    if (there?.equals(bytes) === true) return 'same';
    if (there !== undefined && mode === 'new') return 'taken';
    this.files.set(name, bytes);
    return there === undefined ? 'created' : 'replaced';
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
