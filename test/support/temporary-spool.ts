// A spool on the real file system below a folder of its own, removed with everything in it when the test ends.
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { FileIndex } from '../../src/backlog/file-index.ts';
import { IgnoreRules } from '../../src/backlog/ignore-rules.ts';
import { type ScanRequest, type ScanResult, scan } from '../../src/backlog/scanner.ts';
import { Settle } from '../../src/backlog/settle.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';
import type { WriterView } from '../../src/spool/open-writers.ts';
import type { WaitForRoom } from '../../src/spool/salvage.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';

export class TemporarySpool {
  readonly base: string;
  /** The spool's root. */
  readonly path: string;

  private constructor(base: string) {
    this.base = base;
    this.path = join(base, 'spool');
  }

  static async create(t: TestContext): Promise<TemporarySpool> {
    const spool = new TemporarySpool(await mkdtemp(join(tmpdir(), 'halfpipe-spool-')));
    await mkdir(spool.path);
    t.after(() => rm(spool.base, { recursive: true, force: true }));
    return spool;
  }

  /** Opens it, and closes it when the test ends. */
  async open(t: TestContext, writers?: WriterView): Promise<SpoolDirectory> {
    const directory = await SpoolDirectory.open(this.path, { writers });
    t.after(() => directory.close());
    return directory;
  }

  /** Where `name`, perhaps no UTF-8, lies on disk. */
  at(name: string | Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${this.path}/`), Buffer.from(name)]);
  }

  /** Writes a file that has not changed for an hour, by its mtime. */
  async put(name: string | Buffer, content: string | Buffer = 'content'): Promise<SpoolPath> {
    if (typeof name === 'string') await mkdir(dirname(join(this.path, name)), { recursive: true });
    await writeFile(this.at(name), content);
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(this.at(name), hourAgo, hourAgo);
    return new SpoolPath(Buffer.from(name));
  }

  /** Everything in the spool but the private folder: paths of files and folders, sorted. */
  async list(below = ''): Promise<string[]> {
    const found = await readdir(join(this.path, below), { recursive: true });
    return found.filter((name) => name !== '.halfpipe' && !name.startsWith('.halfpipe/')).sort();
  }

  /** Regular files anywhere in the private folder but for its spare space, sorted. */
  async kept(): Promise<string[]> {
    const found = await readdir(join(this.path, '.halfpipe'), {
      recursive: true,
      withFileTypes: true,
    });
    const prefix = join(this.path, '.halfpipe');
    return found
      .filter((dirent) => dirent.isFile())
      .map((dirent) => join(dirent.parentPath, dirent.name).slice(prefix.length + 1))
      .filter((name) => !name.startsWith('spare/'))
      .sort();
  }
}

/** Of a removal that must not need it. */
export const giveUp: WaitForRoom = (fault) => Promise.reject(fault);

/** What a scan finds, with all that may be uploaded. */
export async function scanAll(
  spool: SpoolDirectory,
  overrides: Partial<ScanRequest> = {},
): Promise<ScanResult & { readonly entries: readonly Entry[] }> {
  const request = scanRequest(overrides);
  const result = await scan(spool, request);
  return { ...result, entries: request.index.first(10_000) };
}

/** A scan that takes every file at once. */
export function scanRequest(overrides: Partial<ScanRequest> = {}): ScanRequest {
  return {
    index: new FileIndex('name', 10_000),
    ignore: new IgnoreRules([]),
    settle: new Settle(0),
    now: { wallMs: Date.now(), monotonicMs: performance.now() },
    judge: () => 'waiting',
    wasRenamed: () => false,
    onOddity: (path, oddity) => {
      throw new Error(`unexpected ${oddity.kind}: ${path}`);
    },
    ...overrides,
  };
}
