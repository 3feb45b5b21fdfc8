// Decides which files go into a packet together, and when a packet is complete. Opens no file.
import { isUtf8 } from 'node:buffer';
import { type Entry, type FileIdentity, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import { isZipName } from '../store/zip/zip-name.ts';

export type PacketGrouping = 'none' | 'folder' | 'hour';

export interface PackingOptions {
  readonly match: (path: SpoolPath) => boolean;
  /** A larger file travels alone. */
  readonly maxFileBytes: number;
  /** The size of the files at which a packet is full, before compression. */
  readonly sizeBytes: number;
  readonly maxFiles: number;
  /** How long a file waits for company. */
  readonly maxDelayMs: number;
  readonly groupBy: PacketGrouping;
}

/** Files for one packet. A group of one file is no packet: the file is sent by itself. */
export interface Group {
  /** What the files have in common, for the packet's key; '' for nothing. */
  readonly name: string;
  /** At least one. */
  readonly entries: readonly Entry[];
}

/** A producer may write into thousands of folders at once. */
const OPEN_GROUPS_MAX = 16;
/** The entries in all open groups, about 500 bytes each, unless one packet may have more. */
const OPEN_ENTRIES_MAX = 20_000;
/** About 200 bytes each. The oldest is forgotten: that file is packed once more. */
const MARKS_MAX = 100_000;
/** The halves of a refused packet have waited already; their files come back one by one. */
const SPLIT_DELAY_MS = 1_000;

interface OpenGroup extends Group {
  readonly entries: Entry[];
  bytes: number;
  readonly maxFiles: number;
  /** Monotonic clock. */
  readonly dueAtMs: number;
}

/** What is remembered of a file that may not travel with all others. */
interface Mark {
  readonly identity: FileIdentity;
  /** The half of a refused packet. Undefined: the file travels alone. */
  readonly half: { readonly number: number; readonly files: number } | undefined;
}

/**
 * Gathers files into groups. A group is complete when it is full, or when its first file has waited
 * for long enough. Deterministic: time is an argument, of the monotonic clock.
 */
export class Packing {
  #options: PackingOptions | undefined;
  /** In the order of their first files. */
  readonly #open = new Map<string, OpenGroup>();
  #complete: OpenGroup[] = [];
  readonly #marks = new Map<string, Mark>();
  #halves = 0;

  /** Undefined: no file is packed. */
  constructor(options: PackingOptions | undefined) {
    this.#options = options;
  }

  /** False if no file is packed. */
  get isOn(): boolean {
    return this.#options !== undefined;
  }

  isPackable({ path, identity }: Pick<Entry, 'path' | 'identity'>): boolean {
    if (this.#options === undefined || identity.sizeBytes > this.#options.maxFileBytes) return false;
    const mark = this.#markOf(path, identity);
    if (mark !== undefined && mark.half === undefined) return false;
    return isUtf8(path.bytes) && this.#options.match(path) && isZipName(path.bytes.toString('utf8'));
  }

  /** Takes a file in that is packable. */
  add(entry: Entry, nowMs: number): void {
    const options = this.#options;
    if (options === undefined) throw new TypeError('packets are off');
    const half = this.#markOf(entry.path, entry.identity)?.half;
    if (half !== undefined) this.#marks.delete(entry.path.id);
    const name = groupNameOf(entry, options.groupBy);
    const key = half === undefined ? `group ${name}` : `half ${half.number}`;
    const { sizeBytes } = entry.identity;
    if ((this.#open.get(key)?.bytes ?? 0) + sizeBytes > options.sizeBytes) this.#close(key);
    const group = this.#open.get(key) ?? {
      name,
      entries: [],
      bytes: 0,
      maxFiles: half?.files ?? options.maxFiles,
      dueAtMs:
        nowMs + (half === undefined ? options.maxDelayMs : Math.min(SPLIT_DELAY_MS, options.maxDelayMs)),
    };
    group.entries.push(entry);
    group.bytes += sizeBytes;
    this.#open.set(key, group);
    if (group.entries.length >= group.maxFiles || group.bytes >= options.sizeBytes) this.#close(key);
    this.#keepBounds(Math.max(options.maxFiles, OPEN_ENTRIES_MAX));
  }

  /** The group that has been complete for the longest time; undefined if none is. */
  take(nowMs: number): Group | undefined {
    for (const [key, { dueAtMs }] of this.#open) if (dueAtMs <= nowMs) this.#close(key);
    return this.#complete.shift();
  }

  /** When take() has a group, if nothing is added; in the past if it has one now. */
  get nextDueAtMs(): number | undefined {
    const [complete] = this.#complete;
    if (complete !== undefined) return Number.NEGATIVE_INFINITY;
    const dueAtMs = Math.min(...[...this.#open.values()].map((group) => group.dueAtMs));
    return dueAtMs === Number.POSITIVE_INFINITY ? undefined : dueAtMs;
  }

  /** The file travels alone for as long as its content stays the same. */
  alone({ path, identity }: Pick<Entry, 'path' | 'identity'>): void {
    this.#mark(path, { identity, half: undefined });
  }

  /**
   * A packet of these files was refused. When they are added again, each half makes a packet of its
   * own, so that in the end the file that is to blame travels alone.
   */
  split(files: readonly Pick<Entry, 'path' | 'identity'>[]): void {
    const middle = Math.ceil(files.length / 2);
    for (const part of [files.slice(0, middle), files.slice(middle)]) {
      this.#halves += 1;
      const half = part.length === 1 ? undefined : { number: this.#halves, files: part.length };
      for (const { path, identity } of part) this.#mark(path, { identity, half });
    }
  }

  /** Gives all files back that wait here. What is known of single files is kept. */
  clear(): Entry[] {
    const entries = [...this];
    this.#complete = [];
    this.#open.clear();
    return entries;
  }

  /** Gives back what clear() does. The options hold for what is added from now on. */
  reconfigure(options: PackingOptions | undefined): Entry[] {
    this.#options = options;
    return this.clear();
  }

  /** What waits for company, or to be packed. */
  get waiting(): { readonly files: number; readonly bytes: number; readonly groups: number } {
    const groups = [...this.#complete, ...this.#open.values()];
    return {
      files: groups.reduce((files, { entries }) => files + entries.length, 0),
      bytes: groups.reduce((total, { bytes }) => total + bytes, 0),
      groups: groups.length,
    };
  }

  /** The files that `waiting` counts. */
  *[Symbol.iterator](): Generator<Entry> {
    for (const { entries } of [...this.#complete, ...this.#open.values()]) yield* entries;
  }

  #close(key: string): void {
    const group = this.#open.get(key);
    if (group === undefined) return;
    this.#open.delete(key);
    this.#complete.push(group);
  }

  #keepBounds(entriesMax: number): void {
    let entries = 0;
    for (const group of this.#open.values()) entries += group.entries.length;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined && (this.#open.size > OPEN_GROUPS_MAX || entries > entriesMax))
      this.#close(oldest);
  }

  #markOf({ id }: SpoolPath, identity: FileIdentity): Mark | undefined {
    const mark = this.#marks.size === 0 ? undefined : this.#marks.get(id);
    if (mark === undefined || sameContentIdentity(mark.identity, identity)) return mark;
    this.#marks.delete(id);
    return undefined;
  }

  #mark({ id }: SpoolPath, mark: Mark): void {
    this.#marks.delete(id);
    this.#marks.set(id, mark);
    const [oldest] = this.#marks.keys();
    if (this.#marks.size > MARKS_MAX && oldest !== undefined) this.#marks.delete(oldest);
  }
}

/**
 * The folder without its last `/`, or the hour of the file's last change in UTC, `2026-11-28/14`.
 */
function groupNameOf({ path, modifiedAtMs }: Entry, groupBy: PacketGrouping): string {
  if (groupBy === 'none') return '';
  if (groupBy === 'hour') return hourOf(new Date(modifiedAtMs));
  const text = path.bytes.toString('utf8');
  return text.slice(0, Math.max(0, text.lastIndexOf('/')));
}

/** A file may have a time that no calendar knows. */
function hourOf(time: Date): string {
  const [hour = ''] = Number.isNaN(time.getTime()) ? [] : time.toISOString().split(':');
  return hour.replace('T', '/');
}
