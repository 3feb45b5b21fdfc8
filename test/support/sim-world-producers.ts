// The producers of a simulated world, which put files into the spool in every possible way, and the books on the files
// that are owed to them. A file is owed from the moment it has a name in the spool until its producer replaces or deletes it.
import { createHash } from 'node:crypto';
import type { Obligation, Violation } from './oracle.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimDisk, SimNode } from './sim-spool-disk.ts';
import type { SimRandom } from './sim-world-random.ts';

export const SPOOL = '/spool';
const PATHS = ['a.bin', 'b.txt', 'c', 'dir/a.bin', 'dir/d.bin', 'dir/sub/e.dat', 'f.bin'] as const;

interface Owed {
  path: string;
  digests: string[];
  /** Written to, last, while it had no name among the producers' files. */
  racy: boolean;
  /** Written, synced, renamed, and its folder synced: no power cut may take it. */
  safe: boolean;
  /** It got its name when its content was on the disk, and was not written to since. */
  whole: boolean;
}

export interface ProducersParts {
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly random: SimRandom;
  /** Bytes up to which files are sent whole. */
  readonly partBytes: number;
  /** A newer file of a name replaces the older one in the bucket. */
  readonly overwrites: boolean;
  readonly onChange: () => void;
  readonly note: (text: string) => void;
}

export class SimProducers {
  readonly everInSpool = new Set<string>();
  /** Writes that came while the file was between its last check and its end, when the process crashed: nobody's promise. */
  excusedRaces = 0;
  readonly #parts: ProducersParts;
  readonly #owed = new Map<SimNode, Owed>();
  /** Files that the power took from producers that had not synced them. */
  lostUnsynced = 0;
  /** Of files that were gone, proven, when the power was cut: nothing that happens later takes it away. */
  readonly #settled: Obligation[] = [];
  /** What was written to an older file comes after a newer one then. */
  readonly #cameLate = new Set<string>();
  /** By path, every content that was there as it was meant to be, in the order in which it came. */
  readonly #everAt = new Map<string, Set<string>>();
  /** Files some producer still has open. */
  #open: SimNode[] = [];
  /** What files held before their writer had closed them. */
  readonly #incomplete = new Set<string>();
  readonly violations: Violation[] = [];
  #poweredFor = 0;
  #made = 0;

  constructor(parts: ProducersParts) {
    this.#parts = parts;
  }

  get obligations(): Obligation[] {
    const all = [...this.#settled, ...this.#owed.values()];
    if (!this.#parts.overwrites) return all.map(({ path, digests }) => ({ path, digests }));
    // Of each name the last that is owed, or what came after it and its producer moved away once it was stored.
    return [...new Map(all.map((owed) => [owed.path, owed])).values()].map(({ path, digests }) => {
      const ever = [...(this.#everAt.get(path) ?? [])];
      const first = this.#cameLate.has(path) ? 0 : ever.findIndex((digest) => digests.includes(digest));
      return { path, digests: ever.slice(first) };
    });
  }

  /** A file that is complete from the start, and that no producer touches again. */
  drop(path: string): void {
    this.#publish(path);
  }

  /** Every content that an object may have: with `tellsWriters` none of a file that was not closed yet. */
  everComplete(tellsWriters: boolean): ReadonlySet<string> {
    return tellsWriters ? this.everInSpool : new Set([...this.everInSpool, ...this.#incomplete]);
  }

  /** Every content that was ever at this path. */
  everAt(path: string): ReadonlySet<string> {
    return this.#everAt.get(path) ?? new Set();
  }

  /** One of them does something. */
  act(): void {
    const { random, onChange, note } = this.#parts;
    const path = random.pick(PATHS);
    this.#adopt(path);
    const before = this.#at(path);
    const dice = random.int(100);
    if (before === undefined || dice < 25) {
      if (dice % 4 === 0) this.#writeSlowly(path);
      else this.#publish(path);
    } else if (dice < 35) this.#delete(path);
    else if (dice < 50) this.#move(path, random.pick(PATHS));
    else if (dice < 60)
      this.#write(before, before.content.subarray(0, random.int(before.content.length + 1)));
    else if (dice < 85) this.#change(before);
    else this.#parts.disk.write(before, before.content);
    const held = random.chance(0.3) ? this.#open[random.int(this.#open.length)] : undefined;
    if (held !== undefined) this.#change(held);
    note(`producer ${dice} ${path} ${this.#at(path)?.ino} ${this.#at(path)?.content.length}`);
    onChange();
  }

  /** Does something to the file at `path`, if there is one. */
  meddle(path: string): void {
    const { random, note } = this.#parts;
    this.#adopt(path);
    const node = this.#at(path);
    const dice = random.int(100);
    note(`producer meddles ${dice} ${path} ${node?.ino}`);
    if (node === undefined || node.entries !== undefined) return;
    if (dice < 40) this.#change(node);
    else if (dice < 60) this.#openAndChange(node);
    else if (dice < 80) this.#publish(path);
    else if (dice < 90) this.#delete(path);
    else this.#move(path, random.pick(PATHS));
  }

  /** A client's file has just got its name, in whole. It is owed from now on, but no power cut is promised yet. */
  deposited(node: SimNode, path: string): void {
    this.#own(node, path);
    const owed = this.#owed.get(node);
    if (owed !== undefined) owed.whole = true;
  }

  /** A client was told that its file is durable. Another producer may have changed or taken it by then. */
  acknowledged(path: string, digest: string): void {
    this.#adopt(path);
    for (const owed of this.#owed.values())
      if (owed.path === path && owed.digests.length === 1 && owed.digests[0] === digest) owed.safe = true;
  }

  /** A client's file is about to replace what has this name, as it was asked to. */
  replaced(path: string): void {
    this.#takeBack(path);
  }

  newContent(): Buffer {
    return this.#content();
  }

  /** What was written to a file after its removal is back. */
  cameLate(path: string): void {
    this.#cameLate.add(path);
  }

  /** The process is gone: who wrote into what it was just removing cannot be helped. */
  crashed(): void {
    for (const [node, { racy }] of this.#owed) {
      if (!racy || node.links > 0) continue;
      this.#owed.delete(node);
      this.excusedRaces += 1;
    }
  }

  /**
   * The producers end with the machine, `cut` is what becomes of the disk. What was gone with a proof must not come back
   * as less, nor as what a newer file of its name had replaced. What a producer had not synced is owed as it comes back.
   */
  powerCut(cut: () => void, isStored: (path: string, digests: readonly string[]) => boolean): Violation[] {
    this.#poweredFor += 1;
    for (const node of this.#open) node.writers = 0;
    this.#open = [];
    const before = [...this.#owed].map(([node, owed]) => {
      return { node, owed, wasGone: node.links === 0, wasStored: isStored(owed.path, owed.digests) };
    });
    cut();
    // A private name of a file that is received leads nobody to it: the next start removes it.
    const named = [...this.#parts.disk.files(SPOOL)].filter(([path]) => !path.startsWith('.halfpipe/tmp/'));
    const places = new Map(named.map(([path, node]) => [node, path]));
    this.#owed.clear();
    const spoilt = new Set<SimNode>();
    const torn: Violation[] = [];
    for (const { node, owed, wasGone, wasStored } of before) {
      const { path, digests, safe, whole } = owed;
      const isWhole = digests.includes(digestOf(node.content));
      const isGone = node.links === 0 || !places.has(node);
      const isTorn = whole && !isGone && !isWhole;
      if (isTorn) torn.push({ kind: 'torn', what: `${path}: a client's file came back in part` });
      if (wasGone || ((wasStored || safe) && !isWhole) || (safe && isGone))
        this.#settled.push({ path, digests });
      else if (isGone) this.lostUnsynced += 1;
      // What was written to a file that was gone already may be back, or a part of it.
      if ((wasGone || wasStored || isTorn) && !isWhole && digests.length === 1) spoilt.add(node);
      // It waits aside, or in quarantine, and belongs to its old place.
      else if (places.get(node)?.startsWith('.halfpipe/')) this.#own(node, path);
    }
    for (const [node, path] of places) if (!/(^|\/)\./.test(path) && !spoilt.has(node)) this.#own(node, path);
    const stale = staleReturns(
      before.filter(({ wasGone }) => wasGone),
      places,
    );
    return [...torn, ...stale];
  }

  /** Written under another name, then renamed: the recommended way. */
  #publish(path: string): void {
    const { disk } = this.#parts;
    this.#makeFolders(path);
    this.#made += 1;
    const temporary = `${SPOOL}/.new-${this.#made}`;
    const node = disk.create(temporary, 0o644);
    disk.write(node, this.#content());
    this.#takeBack(path);
    const isCareful = this.#parts.random.chance(0.2);
    if (isCareful) disk.sync(node);
    disk.rename(temporary, `${SPOOL}/${path}`);
    this.#own(node, path);
    if (isCareful) this.#syncFolder(node, path);
    if (this.#parts.random.chance(0.2)) this.#keepOpen(node, this.#parts.random.between(100, 20_000));
  }

  /** Under its own name from the first byte, with pauses shorter and longer than anybody's patience. */
  #writeSlowly(path: string): void {
    const { disk, random } = this.#parts;
    if (this.#at(path) !== undefined) return this.#publish(path);
    this.#makeFolders(path);
    const node = disk.create(`${SPOOL}/${path}`, 0o644);
    this.#own(node, path);
    const closesBetween = random.chance(0.3);
    let atMs = 0;
    for (let pieces = 1 + random.int(4); pieces > 0; pieces -= 1) {
      atMs += random.between(1, random.chance(0.2) ? 4_000 : 700);
      this.#whilePowered(atMs, () => {
        const content = Buffer.concat([node.content, this.#content()]);
        this.#write(node, content, !closesBetween);
      });
    }
    if (!closesBetween) this.#keepOpen(node, atMs + random.between(1, random.chance(0.2) ? 10_000 : 100));
  }

  /** Writes through the same descriptor, whatever becomes of the name. */
  #openAndChange(node: SimNode): void {
    const { random } = this.#parts;
    const writesMs = random.between(0, random.chance(0.3) ? 2_000 : 20);
    this.#keepOpen(node, writesMs + 1);
    this.#whilePowered(writesMs, () => this.#change(node));
  }

  #keepOpen(node: SimNode, forMs: number): void {
    node.writers += 1;
    this.#open.push(node);
    this.#whilePowered(forMs, () => {
      node.writers -= 1;
      // One process may have it open twice.
      this.#open.splice(this.#open.indexOf(node), 1);
      this.everInSpool.add(digestOf(node.content));
    });
  }

  #whilePowered(afterMs: number, act: () => void): void {
    const poweredFor = this.#poweredFor;
    this.#parts.clock.schedule(afterMs, () => {
      if (poweredFor !== this.#poweredFor) return;
      act();
      this.#parts.onChange();
    });
  }

  #change(node: SimNode): void {
    const { random } = this.#parts;
    const content = Buffer.from(node.content);
    if (content.length === 0 || random.chance(0.4))
      return this.#write(node, Buffer.concat([content, this.#content()]));
    const at = random.int(content.length);
    content[at] = (content[at] ?? 0) + 1;
    this.#write(node, content);
  }

  #delete(path: string): void {
    this.#takeBack(path);
    this.#parts.disk.unlink(`${SPOOL}/${path}`);
  }

  #move(from: string, to: string): void {
    const node = this.#at(from);
    if (node === undefined || from === to) return;
    this.#makeFolders(to);
    if (this.#at(to) !== node) this.#takeBack(to);
    this.#parts.disk.rename(`${SPOOL}/${from}`, `${SPOOL}/${to}`);
    const owed = this.#owed.get(node);
    if (owed === undefined) return;
    owed.path = to;
    owed.safe = false;
    this.#note(to, digestOf(node.content));
  }

  #own(node: SimNode, path: string): void {
    const digest = digestOf(node.content);
    this.#note(path, digest);
    this.#owed.set(node, { path, digests: [digest], racy: false, safe: false, whole: false });
  }

  #syncFolder(node: SimNode, path: string): void {
    const { disk } = this.#parts;
    disk.sync(disk.get(`${SPOOL}/${path}`.replace(/\/[^/]*$/, '')));
    const owed = this.#owed.get(node);
    if (owed !== undefined) owed.safe = true;
  }

  #note(path: string, digest: string, everAnywhere = this.everInSpool): void {
    everAnywhere.add(digest);
    const ever = this.#everAt.get(path) ?? new Set();
    ever.delete(digest);
    this.#everAt.set(path, ever.add(digest));
  }

  /** A file whose content was salvaged is another file by now, with the same owed to it. */
  #adopt(path: string): void {
    const node = this.#at(path);
    if (node === undefined || node.entries !== undefined || this.#owed.has(node)) return;
    for (const [removed, owed] of this.#owed) {
      if (removed.links > 0 || owed.path !== path || !owed.digests.includes(digestOf(node.content))) continue;
      this.#owed.delete(removed);
      this.#owed.set(node, owed);
      return;
    }
  }

  #takeBack(path: string): void {
    this.#adopt(path);
    const node = this.#at(path);
    if (node !== undefined) this.#owed.delete(node);
  }

  #write(node: SimNode, content: Buffer, isIncomplete = false): void {
    // An append of nothing leaves what is on the disk as it is.
    this.#parts.disk.write(node, content.equals(node.content) ? node.content : Buffer.from(content));
    const owed = this.#owed.get(node);
    const digest = digestOf(node.content);
    const ever = isIncomplete ? this.#incomplete : this.everInSpool;
    ever.add(digest);
    if (owed === undefined) return;
    this.#note(owed.path, digest, ever);
    owed.safe = false;
    owed.whole = false;
    if (node.links === 0) {
      // Removed, with a proof, before this was written.
      owed.digests.push(digest);
      const what = `${owed.path}: removed though it was known to be open for writing`;
      if (node.writersTold === 'some') this.violations.push({ kind: 'lost', what });
      return;
    }
    owed.digests = [digest];
    owed.racy = this.#at(owed.path) !== node;
  }

  #at(path: string): SimNode | undefined {
    return this.#parts.disk.find(`${SPOOL}/${path}`);
  }

  #makeFolders(path: string): void {
    const { disk } = this.#parts;
    const names = path.split('/').slice(0, -1);
    for (let count = 1; count <= names.length; count += 1) {
      const folder = `${SPOOL}/${names.slice(0, count).join('/')}`;
      if (disk.find(folder) === undefined) disk.makeFolder(folder, 0o755);
    }
  }

  #content(): Buffer {
    const { random, partBytes } = this.#parts;
    if (random.chance(0.05)) return Buffer.alloc(0);
    return random.bytes(1 + random.int(random.chance(0.3) ? 4 * partBytes : 64));
  }
}

interface Gone {
  readonly node: SimNode;
  readonly owed: Owed;
}

/** Files that are back in their place though a later one of that name went up and was removed, too. */
function staleReturns(gone: readonly Gone[], places: ReadonlyMap<SimNode, string>): Violation[] {
  const isStale = ({ node, owed: { path } }: Gone) =>
    places.get(node) === path &&
    gone.some((later) => later.owed.path === path && later.node.removedNth > node.removedNth);
  return gone.filter(isStale).map(({ owed: { path } }) => {
    return { kind: 'lost', what: `${path}: an older file came back after a newer one was removed` };
  });
}

export function digestOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
