// A spool without a disk, for tests of the backlog: what is in it is what the test says.

import { FoundFiles } from '../../src/backlog/found-files.ts';
import type { Oddity } from '../../src/backlog/oddity.ts';
import { ScanCount, type ScanRequest, type ScanResult } from '../../src/backlog/scanner.ts';
import { type Entry, SpoolPath } from '../../src/spool/entry.ts';

export class FakeSpool {
  readonly path = '/spool';
  readonly files = new Map<string, Entry>();
  readonly odd = new Map<string, Oddity>();
  scans = 0;
  hasSilent = false;
  /** When set, a scan waits for this folder. */
  silentAt: string | undefined;
  /** When set, scans reject with it. */
  error: unknown;
  /** How long it takes until the last files that were looked at are told of. */
  telling: () => Promise<void> = async () => undefined;
  /** How long a scan takes; while it waits, files have been looked at already. */
  duration: (signal?: AbortSignal) => Promise<void> = async () => undefined;

  /** A file that was renamed into place. */
  put(name: string, modifiedAtMs = 0, sizeBytes = 1): void {
    const mtimeNs = BigInt(modifiedAtMs) * 1_000_000n;
    const identity = { dev: 1n, ino: 1n, sizeBytes, mtimeNs, ctimeNs: mtimeNs + 1n };
    this.files.set(name, { path: SpoolPath.from(name), identity, modifiedAtMs });
  }

  async scan(request: ScanRequest): Promise<ScanResult> {
    this.scans++;
    request.index.scanBegan();
    if (this.error !== undefined) throw this.error;
    for (const [name, oddity] of this.odd) request.onOddity(SpoolPath.from(name), oddity);
    const count = new ScanCount(request, () => true);
    const found = new FoundFiles();
    for (const { path, identity } of this.files.values()) {
      if (request.ignore.ignores(path.bytes, path.bytes)) continue;
      found.add(path.bytes, { ...identity, size: BigInt(identity.sizeBytes), uid: 0n });
      if (found.isFull) count.add(found);
    }
    await this.telling();
    count.add(found);
    const { silentAt } = this;
    if (silentAt !== undefined)
      await request.silent?.within(
        SpoolPath.from(silentAt),
        () => new Promise(() => undefined),
        () => undefined,
      );
    await this.duration(request.signal);
    return count.end({ folders: 0, hasSilent: this.hasSilent });
  }
}
