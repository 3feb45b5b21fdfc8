// The packets of a simulated world: how each life of the daemon packs, what is in the packets that the store has, and
// whether that is what it has to be.
import type { Settings } from '../../src/config/settings.ts';
import type { StoredMember } from '../../src/drain/stored-member.ts';
import type { PacketPlan } from '../../src/packets/packet.ts';
import type { FileIdentity, SpoolPath } from '../../src/spool/entry.ts';
import { keyFor, suffixedKey } from '../../src/store/keys.ts';
import { isStored, type Violation } from './oracle.ts';
import type { SimNode } from './sim-spool-disk.ts';
import type { SimStoreServer } from './sim-store-server.ts';
import { unzipped } from './sim-unzip.ts';
import { digestOf } from './sim-world-producers.ts';
import type { SimRandom } from './sim-world-random.ts';

type PacketSettings = Settings['packets'];

/** Digests of what was stored, by path. */
type Packed = ReadonlyMap<string, ReadonlySet<string>>;

/** What all keys begin with after some reloads and restarts. */
const MOVED = 'moved/';

/** The key as it would be without a prefix. */
export function unmoved(key: string): string {
  return key.startsWith(MOVED) ? key.slice(MOVED.length) : key;
}

export function isPacketKey(key: string): boolean {
  return unmoved(key).startsWith('packets/');
}

type Objects = ReadonlyMap<string, string>;

/** The key that an object would have without a prefix. Two of one key are side by side, as after a conflict. */
export function placeOf(key: string, objects: Objects): string {
  const [place, digest] = [unmoved(key), objects.get(key)];
  const other = place === key ? undefined : objects.get(place);
  const isFree = digest === undefined || other === undefined || other === digest;
  return isFree ? place : suffixedKey(place, digest, 64);
}

/** Digests by place. */
export function placed(objects: Objects): Map<string, string> {
  return new Map([...objects].map(([key, digest]) => [placeOf(key, objects), digest]));
}

function fileOf(path: SpoolPath, { ino, sizeBytes, mtimeNs }: FileIdentity): string {
  return `${path} ${ino} ${sizeBytes} ${mtimeNs}`;
}

export class SimPackets {
  readonly #random: SimRandom;
  readonly #server: SimStoreServer;
  readonly #count: (what: string, times?: number) => void;
  readonly #read = new WeakMap<Buffer, Map<string, string>>();
  /** The digest of each file that was packed, by its identity. */
  readonly #digests = new Map<string, string>();
  readonly #violations: Violation[] = [];
  /** The keys of the objects in which each file travelled, by its identity. */
  #travelled = new Map<string, Set<string>>();
  readonly #leftBehind = new Set<string>();
  #told = 0;

  constructor(random: SimRandom, server: SimStoreServer, count: (what: string, times?: number) => void) {
    this.#random = random;
    this.#server = server;
    this.#count = count;
  }

  /** Of the next life of the daemon, or from the next reload on. */
  draw(defaults: PacketSettings): PacketSettings {
    const random = this.#random;
    return {
      ...defaults,
      enabled: random.chance(0.9),
      maxFileSizeBytes: random.pick([64, 500, 5_000]),
      sizeBytes: random.pick([100, 700, 4_000, 20_000]),
      maxFiles: random.pick([2, 3, 5, 50]),
      maxDelayMs: random.pick([0, 300, 2_000, 8_000]),
      groupBy: random.pick(['none', 'none', 'folder', 'hour']),
      compress: random.pick(['auto', 'always', 'never']),
    };
  }

  /** Of the next life of the daemon, or from the next reload on: files go elsewhere at times. */
  drawPrefix(): string {
    return this.#random.chance(0.3) ? MOVED : '';
  }

  /** A packet and its plan are on the disk. */
  packed({ members, key }: PacketPlan): void {
    this.#count('packets made');
    this.#count('packets made: members', members.length);
    for (const { path, identity, sha256Hex } of members) {
      const file = fileOf(path, identity);
      this.#travels(file, key);
      const before = this.#digests.get(file) ?? sha256Hex;
      this.#digests.set(file, before);
      if (before === sha256Hex) continue;
      this.#violations.push({ kind: 'torn', what: `${key}: ${path} was packed before, with other bytes` });
    }
  }

  /** A file has left the spool by itself. If its object is a packet, it was not sent again. */
  sentAlone(
    { path, identity }: Pick<StoredMember, 'path' | 'identity'>,
    { key }: { readonly key: string },
  ): void {
    this.#travels(fileOf(path, identity), isPacketKey(key) ? key : `${path}`);
  }

  /** So many files were told to be stored a second time, maybe. */
  repeated(files: number): void {
    this.#count('packets made: members told as repeated', files);
    this.#told += files;
  }

  /** A packet that is not in the store now gets there only by a stray request, which nobody can know of. */
  split({ key }: PacketPlan, repeated: number): void {
    if (repeated > 0) return this.repeated(repeated);
    if (!this.#server.objects.has(key)) for (const keys of this.#travelled.values()) keys.delete(key);
  }

  /** A packet has ended without these members, which something keeps in the spool. */
  leftBehind(members: readonly StoredMember[]): void {
    for (const { path, identity } of members) this.#leftBehind.add(fileOf(path, identity));
  }

  /** The next process does not know that they are stored; see UnremovedUploads. */
  ended(): void {
    for (const file of this.#leftBehind) this.#travelled.delete(file);
    this.#leftBehind.clear();
  }

  /** A crash left the file aside, and a newer one has its name: its packet is forgotten when it returns. */
  waits(path: SpoolPath): void {
    for (const file of this.#travelled.keys()) if (file.startsWith(`${path} `)) this.#travelled.delete(file);
  }

  /** It may bring files back that had gone. */
  powerCut(): void {
    this.#travelled.clear();
  }

  #travels(file: string, key: string): void {
    const keys = this.#travelled.get(file) ?? new Set();
    this.#travelled.set(file, keys.add(key));
  }

  /** What the store has in packets that arrived as they were sent. */
  stored(): Packed {
    const packed = new Map<string, Set<string>>();
    for (const [, members] of this.#packets())
      for (const [path, digest] of members)
        packed.set(path, (packed.get(path) ?? new Set<string>()).add(digest));
    return packed;
  }

  /** A process is about to remove a file that it has set aside. */
  removing(path: string, node: SimNode): Violation | undefined {
    // It has other names, or it was written to since it was set aside: its content comes back.
    if (node.links > 1 || node.mtimeNs === node.ctimeNs) return undefined;
    const digest = digestOf(node.content);
    const objects = [...this.#server.objects].map(([key, { body }]) => [key, digestOf(body)] as const);
    if (isStored(placed(new Map(objects)), keyFor(Buffer.from(path), ''), [digest])) return undefined;
    if (this.stored().get(path)?.has(digest) === true) return undefined;
    return { kind: 'lost', what: `${path} is removed before the store has it` };
  }

  /** `everAt`: every content that a path ever had. */
  judge(everAt: (path: string) => ReadonlySet<string>): Violation[] {
    const places = new Map<string, number>();
    for (const [key, members] of this.#packets()) {
      this.#count('packets stored');
      this.#count('packets stored: members', members.size);
      for (const [path, digest] of members) {
        const file = `${path} ${digest}`;
        places.set(file, (places.get(file) ?? 0) + 1);
        if (everAt(path).has(digest)) continue;
        const what = `${key}: ${path} (${digest.slice(0, 8)}) never had this content`;
        this.#violations.push({ kind: 'torn', what });
      }
    }
    const packets = new Set([...this.#packets()].map(([key]) => key));
    const twice = [...this.#travelled]
      .map(
        ([file, keys]) => [file, [...keys].filter((key) => !isPacketKey(key) || packets.has(key))] as const,
      )
      .filter(([, keys]) => keys.length > 1);
    if (twice.length > this.#told)
      this.#violations.push({ kind: 'uncounted', what: `${twice.join('; ')}; ${this.#told} were told` });
    this.#count('packets stored: members stored more than once, as they were', twice.length);
    const repeated = [...places.values()].filter((times) => times > 1);
    this.#count('packets stored: members stored more than once', repeated.length);
    return this.#violations;
  }

  /** Digests by path. */
  *#packets(): Generator<[key: string, members: ReadonlyMap<string, string>]> {
    for (const [key, { body, damaged }] of this.#server.objects)
      if (isPacketKey(key) && !damaged) yield [key, this.#membersOf(key, body)];
  }

  #membersOf(key: string, body: Buffer): Map<string, string> {
    const known = this.#read.get(body);
    if (known !== undefined) return known;
    const members = new Map<string, string>();
    try {
      for (const [name, content] of unzipped(body)) members.set(name, digestOf(content));
    } catch (error) {
      this.#violations.push({
        kind: 'torn',
        what: `${key} ${error instanceof Error ? error.message : error}`,
      });
    }
    this.#read.set(body, members);
    return members;
  }
}
