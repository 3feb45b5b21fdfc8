// A spool without a disk, for tests of the backlog: what is in it is what the test says.

import { BestEntries } from '../../src/backlog/best-entries.ts';
import type { Oddity } from '../../src/backlog/oddity.ts';
import type { ScanRequest, ScanResult } from '../../src/backlog/scanner.ts';
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
  /** How long a scan takes; while it waits, files have been looked at already. */
  duration: (signal?: AbortSignal) => Promise<void> = async () => undefined;

  put(name: string, modifiedAtMs = 0, sizeBytes = 1): void {
    const ns = BigInt(modifiedAtMs) * 1_000_000n;
    const identity = { dev: 1n, ino: 1n, sizeBytes, mtimeNs: ns, ctimeNs: ns };
    this.files.set(name, { path: SpoolPath.from(name), identity, modifiedAtMs });
  }

  async scan(request: ScanRequest): Promise<ScanResult> {
    this.scans++;
    if (this.error !== undefined) throw this.error;
    for (const [name, oddity] of this.odd) request.onOddity(SpoolPath.from(name), oddity);
    const best = new BestEntries(request.capacity, request.order);
    const counted = { eligible: 0, files: 0, bytes: 0, unsettled: 0, folders: 0 };
    let oldestPath: SpoolPath | null = null;
    let [oldestModifiedAtMs, settlesInMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const entry of this.files.values()) {
      if (request.ignore.ignores(entry.path.bytes, entry.path.bytes)) continue;
      counted.files++;
      counted.bytes += entry.identity.sizeBytes;
      if (entry.modifiedAtMs < oldestModifiedAtMs) oldestPath = entry.path;
      oldestModifiedAtMs = Math.min(oldestModifiedAtMs, entry.modifiedAtMs);
      const isWanted = request.wants(entry.path, entry.identity);
      const remainingMs = request.settle.remainingMs(entry.path.id, entry.identity, request.now);
      if (remainingMs > 0) {
        counted.unsettled++;
        settlesInMs = Math.min(settlesInMs, remainingMs);
      } else if (isWanted) {
        counted.eligible++;
        best.offer(entry);
      }
    }
    const { silentAt } = this;
    if (silentAt !== undefined)
      await request.silent?.within(
        SpoolPath.from(silentAt),
        () => new Promise(() => undefined),
        () => undefined,
      );
    await this.duration(request.signal);
    request.settle.endScan();
    return {
      ...counted,
      hasSilent: this.hasSilent,
      entries: best.drain(),
      oldestModifiedAtMs: counted.files === 0 ? null : oldestModifiedAtMs,
      oldestPath,
      settlesInMs: counted.unsettled === 0 ? null : settlesInMs,
    };
  }
}
