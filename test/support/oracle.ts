// Judges a run by what it leaves: where every file that was complete in the spool is now, and what else there is. Works
// on plain inventories, so that simulated runs and real kills are judged by the same rules.
import { suffixedKey } from '../../src/store/keys.ts';

/** SHA-256 of a whole content, in hex. */
export type ContentDigest = string;

/** A file that was complete in the spool and that its producer did not take back. */
export interface Obligation {
  readonly path: string;
  /** Any of these will do: who writes on while the file is being removed gets no promise which. */
  readonly digests: readonly ContentDigest[];
}

export interface Inventory {
  readonly obligations: readonly Obligation[];
  /** Key of a path in the spool. */
  readonly keyOf: (path: string) => string;
  /** By key. */
  readonly bucket: ReadonlyMap<string, ContentDigest>;
  /** By path, what is in packets in the bucket. */
  readonly packed?: ReadonlyMap<string, ReadonlySet<ContentDigest>>;
  /** By path; without the private folder. */
  readonly spool: ReadonlyMap<string, ContentDigest>;
  readonly quarantine: readonly QuarantinedFile[];
  /** Every content that was in the spool under a name at some time, however briefly. */
  readonly everInSpool: ReadonlySet<ContentDigest>;
  /** What others put into the bucket: it must be there as it was. */
  readonly foreign: ReadonlyMap<string, ContentDigest>;
  /** Keys whose object was damaged on its way, and is known to be. */
  readonly damaged: ReadonlySet<string>;
  /** Multipart uploads that are open and were begun here. */
  readonly openUploads: readonly string[];
  /** Files below `.halfpipe` apart from the quarantine and the lock, and probes in the spool. */
  readonly leftovers: readonly string[];
  /** Names in the spool that are no file to upload: temporary names of producers. */
  readonly ignored?: (path: string) => boolean;
  /** Faults have stopped and there was time enough: nothing may wait any more. */
  readonly quiet: boolean;
}

export interface QuarantinedFile {
  readonly path: string;
  readonly digest: ContentDigest;
  /** Undefined when there is none beside it. */
  readonly reason: string | undefined;
}

export interface Violation {
  readonly kind:
    | 'lost'
    | 'starved'
    | 'not drained'
    | 'torn'
    | 'foreign'
    | 'open upload'
    | 'leftover'
    | 'no reason'
    | 'unrecorded'
    | 'uncounted';
  readonly what: string;
}

/** Everything that is wrong; nothing when all is well. */
export function judge(inventory: Inventory): Violation[] {
  return [
    ...lost(inventory),
    ...strangers(inventory),
    ...left(inventory),
    ...(inventory.quiet ? notDrained(inventory) : []),
  ];
}

/** Whether the bucket has one of the contents, under the key or beside it. */
export function isStored(
  bucket: ReadonlyMap<string, ContentDigest>,
  key: string,
  digests: readonly ContentDigest[],
): boolean {
  return digests.some((digest) => keysOf(key, digest).some((candidate) => bucket.get(candidate) === digest));
}

export function isHeld(inventory: Inventory, { path, digests }: Obligation): boolean {
  const { bucket, packed, spool, quarantine, keyOf } = inventory;
  if (isStored(bucket, keyOf(path), digests)) return true;
  return digests.some(
    (digest) =>
      packed?.get(path)?.has(digest) === true ||
      spool.get(path) === digest ||
      quarantine.some((file) => file.digest === digest && file.path === path),
  );
}

/** Where content may be: under its key, or beside it where that was taken. */
function keysOf(key: string, digest: ContentDigest): string[] {
  return [key, ...[8, 16, 64].map((digits) => suffixedKey(key, digest, digits))];
}

function lost(inventory: Inventory): Violation[] {
  return inventory.obligations
    .filter((obligation) => !isHeld(inventory, obligation))
    .map(({ path, digests }) => ({ kind: 'lost', what: `${path} (${digests.map(short).join(' or ')})` }));
}

function strangers({ bucket, foreign, damaged, everInSpool }: Inventory): Violation[] {
  const harmed = [...foreign]
    .filter(([key, digest]) => bucket.get(key) !== digest)
    .map(([key]) => ({ kind: 'foreign', what: `${key}, another's object, is not what it was` }) as const);
  const torn = [...bucket]
    .filter(([key, digest]) => foreign.get(key) !== digest && !damaged.has(key) && !everInSpool.has(digest))
    .map(
      ([key, digest]) =>
        ({ kind: 'torn', what: `${key} (${short(digest)}) is no file there ever was` }) as const,
    );
  return [...harmed, ...torn];
}

function left({ quarantine, openUploads, leftovers, quiet }: Inventory): Violation[] {
  const unexplained = quarantine.filter(({ reason }) => reason === undefined || reason === '');
  return [
    ...unexplained.map(({ path }) => ({ kind: 'no reason', what: path }) as const),
    ...(quiet ? openUploads.map((what) => ({ kind: 'open upload', what }) as const) : []),
    ...(quiet ? leftovers.map((what) => ({ kind: 'leftover', what }) as const) : []),
  ];
}

function notDrained({ spool, ignored = () => false }: Inventory): Violation[] {
  const waiting = [...spool.keys()].filter((path) => !ignored(path));
  return waiting.map((path) => ({ kind: 'not drained', what: path }));
}

function short(digest: ContentDigest): string {
  return digest.slice(0, 8);
}
