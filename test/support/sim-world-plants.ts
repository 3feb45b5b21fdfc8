// Bugs that would lose files or leak uploads, planted in a simulated daemon. A bug that the simulation does not find
// here, it would not find in the code either.

import type { DrainPorts } from '../../src/drain/drain-ports.ts';
import type { PacketMember } from '../../src/packets/packet.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { SpoolFile } from '../../src/spool/spool-file.ts';
import { compositeMd5 } from '../../src/store/digest.ts';
import type { ObjectStore, UploadJournal, UploadRequest } from '../../src/store/object-store.ts';
import { ZipWriter } from '../../src/store/zip/zip-writer.ts';
import { Fault } from '../../src/system/fault.ts';
import type { Violation } from './oracle.ts';
import { proofFor } from './removal-proof.ts';
import { isPacketKey } from './sim-world-packets.ts';
import type { Plant } from './sim-world-process.ts';
import { SPOOL } from './sim-world-producers.ts';
import { giveUp } from './temporary-spool.ts';

export interface Planted {
  readonly plant: Plant;
  /** Called once: a bug of the whole process. */
  readonly prepare?: () => void;
  /** What it leads to: a find of another kind would be luck. */
  readonly foundBy: Violation['kind'];
  /** A seed that found it, tried first: the hunt goes on from the first seed when the code has moved away from it. */
  readonly seenWith: number;
}

/** Of the producers. */
const CONTENTS = /^\/spool\/(?!\.).*(\.\w+|\/?c)$/;

export const PLANTS: Readonly<Record<string, Planted>> = {
  'deletes a file before the store is asked for a proof': {
    foundBy: 'lost',
    seenWith: 27,
    plant: {
      store: (store, spool) =>
        storeLike(store, async (request) => {
          const upload = await store.upload(request);
          const file = await spool.openFile(SpoolPath.from(request.key));
          try {
            const known = { identity: file.identity, isUnchanged: async () => true };
            await (await spool.setAside(file, known)).remove(proofFor(file), giveUp);
          } finally {
            await file.close();
          }
          return upload;
        }),
    },
  },
  'compares nothing but the size': {
    foundBy: 'lost',
    seenWith: 344,
    plant: {
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
  },
  'unlinks whatever has the name by now': {
    foundBy: 'lost',
    seenWith: 7,
    plant: {
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
  },
  'forgets the id of a multipart upload': {
    foundBy: 'open upload',
    seenWith: 5,
    plant: {
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
  },
  "takes a file's refusal for the store's, and waits until that file passes": {
    foundBy: 'starved',
    seenWith: 5,
    plant: {
      store: (store) => {
        let refused: UploadRequest | undefined;
        const upload = async (request: UploadRequest) => {
          try {
            return await store.upload(request);
          } catch (error) {
            if (error instanceof Fault && error.code === 'XOddName') refused = request;
            throw error;
          }
        };
        const trial = async (folder: Buffer, signal: AbortSignal) => {
          if (refused === undefined) return store.trial(folder, signal);
          throw new Fault('transient', 'the store is away', { operation: 'trial', subject: refused.key });
        };
        return { ...storeLike(store, upload), trial };
      },
    },
  },
  'brings no content to the disk': {
    foundBy: 'torn',
    seenWith: 61,
    plant: { skipsSync: CONTENTS },
  },
  'brings content to the disk when the store has it already': {
    foundBy: 'torn',
    seenWith: 1018,
    plant: {
      spool: (spool) => {
        const { sync } = SpoolFile.prototype;
        return {
          openFile: async (path) =>
            Object.assign(await spool.openFile(path), { sync: async () => undefined }),
          setAside: async (file, known) => {
            if (!(file instanceof SpoolFile)) throw new TypeError('not a file of the spool');
            await sync.call(file, new AbortController().signal);
            return spool.setAside(file, known);
          },
          journal: (file) => spool.journal(file),
          quarantine: (path, reason) => spool.quarantine(path, reason),
        };
      },
    },
  },
  'removes a file though it is open for writing': {
    foundBy: 'lost',
    seenWith: 22,
    plant: { spool: (spool) => blindFrom(1, spool) },
  },
  'sends a file though it is open for writing': {
    foundBy: 'torn',
    seenWith: 179,
    plant: { spool: (spool) => blindFrom(0, spool), ofProducers: true },
  },
  'syncs no folder before a name is used again': {
    foundBy: 'lost',
    seenWith: 197,
    plant: { skipsSync: /^\/spool(\/dir(\/sub)?)?$/, ofProducers: true },
  },
  'removes a file before its line in the manifest is synced': {
    foundBy: 'unrecorded',
    seenWith: 3,
    plant: { skipsSync: /^\/state\/manifest\.jsonl$/ },
  },
  'does not sync the folder of its journals': {
    foundBy: 'open upload',
    seenWith: 257,
    plant: { skipsSync: /\.halfpipe\/multipart$/ },
  },
  'acknowledges an upload before its name is durable': {
    foundBy: 'lost',
    seenWith: 2160,
    plant: { acknowledgesEarly: true },
  },
  'gives an upload its name before its content is on the disk': {
    foundBy: 'torn',
    seenWith: 26,
    plant: { skipsSync: /^\/spool\/\.halfpipe\/tmp\/deposit-/ },
  },
  'replaces a file by an upload unasked': {
    foundBy: 'lost',
    seenWith: 6,
    plant: { depositMode: 'replace' },
  },
  'does not sync the folders that an upload needs': {
    foundBy: 'lost',
    seenWith: 257,
    plant: { skipsSync: /^\/spool(\/in)?$/ },
  },
  'lets an older file of a name return after a newer one has come': {
    foundBy: 'lost',
    seenWith: 61,
    plant: { forgetsOrder: true },
  },
  'removes the files of a packet as soon as it is packed': {
    foundBy: 'lost',
    seenWith: 4,
    plant: {
      packs: true,
      packed: ({ members }, spool) => {
        const remove = async ({ path }: PacketMember) => {
          const file = await spool.openFile(path);
          const known = { identity: file.identity, isUnchanged: async () => true };
          await (await spool.setAside(file, known)).remove(proofFor(file), giveUp);
          await file.close();
        };
        for (const member of members) void remove(member).catch(() => undefined);
      },
    },
  },
  'packs each file under the name of the next': {
    foundBy: 'lost',
    seenWith: 4,
    prepare: () => {
      const { add } = ZipWriter.prototype;
      const before = new WeakMap<ZipWriter, Buffer>();
      ZipWriter.prototype.add = function (name, content, options) {
        const wrong = before.get(this) ?? content;
        before.set(this, Buffer.from(content));
        return add.call(this, name, wrong, options);
      };
    },
    plant: { packs: true },
  },
  'takes the plan of a packet for a proof that it is stored': {
    foundBy: 'lost',
    seenWith: 47,
    plant: {
      packs: true,
      store: (store) => ({
        ...storeLike(store, (request) => store.upload(request)),
        confirm: async (key, local, signal) => {
          if (!isPacketKey(key)) return store.confirm(key, local, signal);
          const { parts, multipart } = local;
          const etag = multipart ? `${compositeMd5(parts)}-${parts.length}` : (parts[0]?.md5Hex ?? '');
          return { key, sizeBytes: local.sizeBytes, etag };
        },
      }),
    },
  },
};

/** Hears every answer about open writers, and from the one of this number on heeds none. */
function blindFrom(first: number, spool: SpoolDirectory): Partial<DrainPorts['spool']> {
  return {
    openFile: async (path) => {
      const file = await spool.openFile(path);
      const ask = file.writers.bind(file);
      let asked = 0;
      const writers = async () => {
        const answer = await ask();
        asked += 1;
        return asked > first ? 'none' : answer;
      };
      return Object.assign(file, { writers });
    },
    setAside: (file, known) => spool.setAside(file as Parameters<typeof spool.setAside>[0], known),
    journal: (file) => spool.journal(file),
    quarantine: (path, reason) => spool.quarantine(path, reason),
  };
}

function storeLike(store: ObjectStore, upload: ObjectStore['upload']): ObjectStore {
  return {
    upload,
    confirm: (key, local, signal) => store.confirm(key, local, signal),
    probe: (signal) => store.probe(signal),
    trial: (folder, signal) => store.trial(folder, signal),
    abandon: (journaled, signal) => store.abandon(journaled, signal),
    close: () => store.close(),
  };
}
