// Bugs that would lose files or leak uploads, put in the place of the right parts of a simulated daemon: what the
// simulation does not find in these, it would not find in the code either.
import { SpoolPath } from '../../src/spool/entry.ts';
import { compositeMd5 } from '../../src/store/digest.ts';
import type { ObjectStore, UploadJournal } from '../../src/store/object-store.ts';
import type { Violation } from './oracle.ts';
import type { Plant } from './sim-world-process.ts';
import { SPOOL } from './sim-world-producers.ts';
import { giveUp } from './temporary-spool.ts';

export interface Planted {
  readonly plant: Plant;
  /** What it leads to: a find of another kind would be luck. */
  readonly foundBy: Violation['kind'];
}

const PARTS: Readonly<Record<string, Plant>> = {
  'deletes a file before the store is asked for a proof': {
    store: (store, spool) =>
      storeLike(store, async (request) => {
        const upload = await store.upload(request);
        const file = await spool.openFile(SpoolPath.from(request.key));
        try {
          const known = { identity: file.identity, isUnchanged: async () => true };
          await (await spool.setAside(file, known)).remove(giveUp);
        } finally {
          await file.close();
        }
        return upload;
      }),
  },
  'compares nothing but the size': {
    store: (store) =>
      storeLike(store, async (request) => {
        const { local, receipt, outcome } = await store.upload(request);
        const { sizeBytes } = await store.confirm(receipt.key, local, request.signal);
        const { parts, multipart } = local;
        const etag = multipart ? `${compositeMd5(parts)}-${parts.length}` : parts[0]?.md5Hex;
        if (sizeBytes !== local.sizeBytes || etag === undefined) return { local, receipt, outcome };
        return { local, receipt: { key: receipt.key, etag }, outcome };
      }),
  },
  'unlinks whatever has the name by now': {
    spool: (spool, world) => ({
      openFile: (path) => spool.openFile(path),
      journal: (file) => spool.journal(file),
      quarantine: (path, reason) => spool.quarantine(path, reason),
      setAside: async ({ path }) => ({
        remove: async () => {
          if (world.disk.find(`${SPOOL}/${path}`) !== undefined) world.disk.unlink(`${SPOOL}/${path}`);
        },
      }),
    }),
  },
  'forgets the id of a multipart upload': {
    spool: (spool) => ({
      openFile: (path) => spool.openFile(path),
      setAside: (file, known) => spool.setAside(file as Parameters<typeof spool.setAside>[0], known),
      quarantine: (path, reason) => spool.quarantine(path, reason),
      journal: (): UploadJournal => ({
        load: async () => undefined,
        save: async () => undefined,
        clear: async () => undefined,
      }),
    }),
  },
};

export const PLANTS: Readonly<Record<string, Planted>> = Object.fromEntries(
  Object.entries(PARTS).map(([name, plant]) => [
    name,
    { plant, foundBy: name.startsWith('forgets') ? 'open upload' : 'lost' },
  ]),
);

function storeLike(store: ObjectStore, upload: ObjectStore['upload']): ObjectStore {
  return {
    upload,
    confirm: (key, local, signal) => store.confirm(key, local, signal),
    probe: (signal) => store.probe(signal),
    abandon: (journaled, signal) => store.abandon(journaled, signal),
    close: () => store.close(),
  };
}
