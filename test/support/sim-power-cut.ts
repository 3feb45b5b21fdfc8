// What a power cut leaves of a simulated disk. Names and contents are separate, as on a real disk:
// - Content that was not synced since it was written comes back as it was at its last sync, as the beginning of what was
//   written, with zeros in place of the end, or whole. What was synced stays where nothing else was written over it.
// - Names, on a `journal` (ext4 with data=ordered, xfs): changes reach the disk in the order in which they were made. The
//   cut keeps any number of them, but at least all up to the last one of each file and folder that was synced.
// - Names, in a `log` (btrfs): the disk has the state of any moment before the cut; on top of it each file that was synced
//   later has the names it had then, and takes them from others. Nothing else of what came later is there: a name may be
//   back that was gone before another file was synced. A folder's sync keeps all up to its last change, as on a journal.
//   A removed folder makes the next sync one of everything.
// Not modelled: that the kernel writes by itself what is older than 5 to 35 s. Runs are not much longer.
import type { SimNode } from './sim-spool-disk.ts';
import type { SimRandom } from './sim-world-random.ts';

export type SimFileSystem = 'journal' | 'log';

interface Change {
  readonly nth: number;
  readonly undo: () => void;
  readonly removesFolder: boolean;
}

/** A name and the folder it is in, and before these the same of each folder on the way, from the root on. */
type Place = readonly (readonly [folder: SimNode, name: string, node: SimNode])[];

interface FileSync {
  readonly nth: number;
  readonly node: SimNode;
  readonly places: readonly Place[];
}

export class SimPowerCut {
  readonly #root: SimNode;
  readonly #kind: SimFileSystem;
  readonly #onDisk = new WeakMap<SimNode, Buffer>();
  readonly #lastChange = new WeakMap<SimNode, number>();
  /** Those that a cut may undo, oldest first. */
  #changes: Change[] = [];
  #syncs: FileSync[] = [];
  #nth = 0;

  constructor(root: SimNode, kind: SimFileSystem) {
    this.#root = root;
    this.#kind = kind;
  }

  /** A name of one of the nodes was changed; `undo` changes it back. */
  changed(nodes: readonly SimNode[], undo: () => void, removesFolder = false): void {
    this.#nth += 1;
    this.#changes.push({ nth: this.#nth, undo, removesFolder });
    for (const node of nodes) this.#lastChange.set(node, this.#nth);
  }

  syncContent(node: SimNode): void {
    this.#onDisk.set(node, node.content);
  }

  onDisk(node: SimNode): Buffer {
    return this.#onDisk.get(node) ?? Buffer.alloc(0);
  }

  sync(node: SimNode): void {
    if (node.entries === undefined) this.syncContent(node);
    const last = this.#lastChange.get(node) ?? 0;
    const isOfAll = this.#kind === 'log' && this.#changes.some(({ removesFolder }) => removesFolder);
    if (isOfAll) this.#keepUpTo(this.#nth);
    else if (this.#kind === 'journal' || node.entries !== undefined) this.#keepUpTo(last);
    else this.#syncs.push({ nth: this.#nth, node, places: this.#placesOf(node) });
  }

  /** From now on the tree is what was on the disk. */
  cut(random: SimRandom): void {
    const kept = this.#pickKept(random);
    const undone = this.#changes.filter(({ nth }) => nth > kept);
    const removed = new Set(this.#syncs.map(({ node }) => node).filter(({ links }) => links === 0));
    for (const [, , node] of this.#names()) node.links = 0;
    for (const { undo } of undone.reverse()) undo();
    // What the log had of a file that is gone may be gone as well.
    for (const node of removed) if (random.chance(0.5)) removed.delete(node);
    for (const { nth, node, places } of this.#syncs)
      if (nth > kept && places.length > 0 && !removed.has(node)) this.#replay(node, places);
    for (const [, , node] of this.#names()) node.links = 0;
    for (const [, , node] of this.#names()) node.links += 1;
    for (const node of new Set([...this.#names()].map(([, , file]) => file)))
      if (node.entries === undefined) this.#settleContent(node, random);
    this.#keepUpTo(this.#nth);
  }

  #pickKept(random: SimRandom): number {
    const first = (this.#changes[0]?.nth ?? this.#nth + 1) - 1;
    const dice = random.next();
    if (dice < 0.3) return first;
    return dice < 0.5 ? this.#nth : first + random.int(this.#nth - first + 1);
  }

  #keepUpTo(last: number): void {
    this.#changes = this.#changes.filter(({ nth }) => nth > last);
    this.#syncs = this.#syncs.filter(({ nth }) => nth > last);
  }

  #replay(node: SimNode, places: readonly Place[]): void {
    const isKept = (folder: SimNode, name: string) =>
      places.some((place) => place.at(-1)?.[0] === folder && place.at(-1)?.[1] === name);
    for (const [folder, name, file] of [...this.#names()])
      if (file === node && !isKept(folder, name)) folder.entries?.delete(name);
    for (const place of places) for (const [folder, name, child] of place) folder.entries?.set(name, child);
  }

  #settleContent(node: SimNode, random: SimRandom): void {
    const [onDisk, { content }] = [this.onDisk(node), node];
    if (onDisk !== content) {
      const kept = commonBytes(onDisk, content);
      const cut = kept + random.int(content.length - kept + 1);
      node.content = random.pick([
        onDisk,
        Buffer.from(content.subarray(0, cut)),
        Buffer.concat([content.subarray(0, cut), Buffer.alloc(content.length - cut)]),
        content,
      ]);
    }
    this.#onDisk.set(node, node.content);
  }

  *#names(folder: SimNode = this.#root): Generator<readonly [folder: SimNode, name: string, node: SimNode]> {
    for (const [name, node] of folder.entries ?? []) {
      yield [folder, name, node];
      if (node.entries !== undefined) yield* this.#names(node);
    }
  }

  #placesOf(node: SimNode, way: Place = [], folder: SimNode = this.#root): Place[] {
    return [...(folder.entries ?? [])].flatMap(([name, child]) => {
      const place: Place = [...way, [folder, name, child]];
      if (child === node) return [place];
      return child.entries === undefined ? [] : this.#placesOf(node, place, child);
    });
  }
}

/** How many bytes are the same from the beginning on. */
function commonBytes(a: Buffer, b: Buffer): number {
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && a[at] === b[at]) at += 1;
  return at;
}
