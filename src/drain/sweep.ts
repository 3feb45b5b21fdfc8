// At the start: multipart uploads of ours whose files are gone or changed can never be completed, and are aborted.
// They are known by the spool's journals alone: an upload that no journal names is somebody else's and is not touched.
import { type FileIdentity, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import type { JournaledUpload, ObjectStore } from '../store/object-store.ts';
import { Fault } from '../system/fault.ts';

interface JournaledFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

export interface SweptSpool {
  journals<T>(): AsyncIterable<JournaledFile & { readonly value: T }>;
  journal(file: JournaledFile): { load(): Promise<unknown>; clear(): Promise<void> };
  openFile(path: SpoolPath): Promise<{ readonly identity: FileIdentity; close(): Promise<void> }>;
}

/** Resolves with how many were aborted. A store that is out of reach rejects; the journals stay for the next time. */
export async function sweepOrphans(
  spool: SweptSpool,
  store: Pick<ObjectStore, 'abandon'>,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0;
  for await (const { path, identity, value } of spool.journals<JournaledUpload>()) {
    if (await isStillThere(spool, path, identity)) continue;
    await store.abandon(value, signal);
    const journal = spool.journal({ path, identity });
    // By now the drain may have begun to upload the file's new content: that record is not ours to clear.
    if ((await journal.load()) !== undefined) await journal.clear();
    swept += 1;
  }
  return swept;
}

/** Sweeps while the drain begins. The function it returns ends that, and resolves when it has ended. */
export function sweepInBackground(
  spool: SweptSpool,
  store: Pick<ObjectStore, 'abandon'>,
  events: { readonly onSwept: (uploads: number) => void; readonly onFault: (error: unknown) => void },
): () => Promise<void> {
  const sweeping = new AbortController();
  const swept = sweepOrphans(spool, store, sweeping.signal).then(events.onSwept, (error: unknown) => {
    if (!sweeping.signal.aborted) events.onFault(error);
  });
  return () => {
    sweeping.abort();
    return swept;
  };
}

/**
 * In doubt (no permission, say) the file counts as there: its upload can still be resumed. So does one with another
 * ctime, as the journal has it.
 */
async function isStillThere(spool: SweptSpool, path: SpoolPath, identity: FileIdentity): Promise<boolean> {
  try {
    const file = await spool.openFile(path);
    await file.close();
    return sameContentIdentity(file.identity, identity);
  } catch (error) {
    return !(error instanceof Fault && error.faultClass === 'changed');
  }
}
