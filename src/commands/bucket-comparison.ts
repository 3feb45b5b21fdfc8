// Asks the store about the objects that a manifest names, several at a time.
import { type Comparison, compareAnswer, compareBytes } from '../manifest/compare-line.ts';
import { type ManifestLine, objectOf } from '../manifest/manifest-line.ts';
import type { Digest, Receipt } from '../store/object-store.ts';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';

/** The part of S3Store that is needed. */
export interface ComparedStore {
  look(key: string, signal: AbortSignal): Promise<Receipt | undefined>;
  readBack(
    held: Receipt,
    cut: { readonly sizeBytes: number; readonly partSizeBytes?: number },
    signal: AbortSignal,
  ): Promise<readonly Digest[]>;
}

export interface ComparisonPorts {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly storeFor: (bucket: string) => Promise<ComparedStore>;
  readonly readsBack: boolean;
  readonly onComparison: (line: ManifestLine, comparison: Comparison) => void;
}

/** HEADs wait for the network most of the time. */
const HEADS_AT_ONCE = 16;
/** Reads fill the line, and each digests its bytes. */
const READS_AT_ONCE = 4;
/** The waits before further attempts after a passing failure. */
const RETRY_MS = [1_000, 4_000, 15_000];

/**
 * Compares every object. Rejects with the Fault of the first question that cannot be answered, and
 * then asks no more.
 */
export async function compareAll(
  lines: Iterable<ManifestLine>,
  signal: AbortSignal,
  ports: ComparisonPorts,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const queue = lines[Symbol.iterator]();
  const work = async () => {
    for (let next = queue.next(); !next.done && !either.aborted; next = queue.next())
      ports.onComparison(next.value, await compare(next.value, either, ports));
  };
  const workers = Array.from({ length: ports.readsBack ? READS_AT_ONCE : HEADS_AT_ONCE }, () =>
    work().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  signal.throwIfAborted();
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function compare(
  line: ManifestLine,
  signal: AbortSignal,
  { clock, storeFor, readsBack }: ComparisonPorts,
): Promise<Comparison> {
  const store = await storeFor(line.bucket);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(store, line, readsBack, signal);
    } catch (error) {
      const waitMs = RETRY_MS[attempt];
      const mayPass = error instanceof Fault && error.faultClass === 'transient';
      if (!mayPass || waitMs === undefined) throw error;
      await clock.sleep(waitMs, signal);
    }
  }
}

async function ask(
  store: ComparedStore,
  line: ManifestLine,
  readsBack: boolean,
  signal: AbortSignal,
): Promise<Comparison> {
  const held = await store.look(line.key, signal);
  const compared = compareAnswer(line, held);
  const { bytes, sha256, partBytes } = objectOf(line);
  // Another size needs no look at the bytes.
  const isOfSize = held !== undefined && (held.sizeBytes === undefined || held.sizeBytes === bytes);
  if (!readsBack || !isOfSize || (sha256 === undefined && partBytes === undefined)) return compared;
  const cut = { sizeBytes: bytes, ...(partBytes === undefined ? {} : { partSizeBytes: partBytes }) };
  return compareBytes(line, await store.readBack(held, cut, signal));
}
