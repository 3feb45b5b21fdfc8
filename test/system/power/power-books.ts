// Drops files onto a disk whose power is cut, most of them never synced, and keeps account of what halfpipe owes for them.
// A file is owed until the power takes it from the disk before it was uploaded: that is its producer's doing. Once it is
// in the bucket it is owed for good, and nothing less, and nothing older, may take its place.
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { isStored, type Obligation, type Violation } from '../../support/oracle.ts';

const MIB = 1024 ** 2;
const REUSED_NAMES = 8;

interface Owed {
  readonly path: string;
  readonly digest: string;
  /** It was synced, and so was its folder. */
  readonly safe: boolean;
}

export class PowerBooks {
  readonly everInSpool = new Set<string>();
  /** Files that came back from a cut short, empty, or not at all, before they were uploaded. */
  lostUnsynced = 0;
  acceptedFiles = 0;
  readonly violations: Violation[] = [];
  /** Every file that arrived, for people. */
  readonly drops: { readonly path: string; readonly text: string }[] = [];
  readonly #spool: string;
  readonly #outside: string;
  readonly #random: () => number;
  readonly #overwrites: boolean;
  readonly #settled: Obligation[] = [];
  /** By path, each content that was there as it was meant to be, oldest first. */
  readonly #versions = new Map<string, string[]>();
  /** By path, the inode of the newest file. */
  readonly #newest = new Map<string, number>();
  /** By path, what clients have sent over HTTP. */
  readonly #sent = new Map<string, string>();
  #owed: Owed[] = [];
  #made = 0;

  /** `outside` is a folder on the same disk that nothing drains. */
  constructor(spool: string, outside: string, overwrites: boolean, random: () => number) {
    this.#spool = spool;
    this.#outside = outside;
    this.#overwrites = overwrites;
    this.#random = random;
  }

  get obligations(): Obligation[] {
    const all = [...this.#settled, ...this.#owed.map(({ path, digest }) => ({ path, digests: [digest] }))];
    if (!this.#overwrites) return all;
    return [...new Set(all.map(({ path }) => path))].map((path) => ({
      path,
      digests: this.#versions.get(path) ?? [],
    }));
  }

  /** One more file, complete the moment it has its name. One in six is synced, and so takes others' names to the disk. */
  drop(): void {
    this.#made += 1;
    const isAgain = this.#random() < 0.3;
    const path = isAgain ? `again${Math.floor(this.#random() * REUSED_NAMES)}` : `file${this.#made}`;
    const sizeBytes = this.#random() < 0.02 ? 5.5 * MIB : Math.floor(this.#random() ** 2 * 200_000);
    const content = randomBytes(sizeBytes);
    const temporary = `${this.#outside}/${this.#made}`;
    const safe = this.#random() < 0.16;
    writeFileSync(temporary, content);
    if (safe) sync(temporary);
    this.#newest.set(path, statSync(temporary).ino);
    renameSync(temporary, `${this.#spool}/${path}`);
    if (safe) sync(this.#spool);
    this.#owed = this.#owed.filter((owed) => owed.path !== path);
    const digest = createHash('sha256').update(content).digest('hex');
    this.drops.push({ path, text: `${new Date().toISOString()} dropped ${digest.slice(0, 8)}` });
    this.#owe(path, digest, safe);
  }

  /** A client begins to bring this over HTTP, and sends nothing else to that path. */
  sent(path: string, digest: string): void {
    this.everInSpool.add(digest);
    this.#sent.set(path, digest);
  }

  /** The daemon said that it has this durably. */
  accepted(path: string, digest: string): void {
    this.acceptedFiles += 1;
    this.#owed = this.#owed.filter((owed) => owed.path !== path);
    this.#owe(path, digest, true);
  }

  /** `onDisk` is what the spool holds after the restart, `kept` what waits in the private folder, `bucket` by key. */
  cut(
    onDisk: ReadonlyMap<string, string>,
    kept: ReadonlyMap<string, string>,
    bucket: ReadonlyMap<string, string>,
  ): void {
    const before = this.#owed;
    this.#owed = [];
    for (const owed of before) {
      const { path, digest, safe } = owed;
      if (isStored(bucket, path, [digest])) this.#settled.push({ path, digests: [digest] });
      else if (onDisk.get(path) === digest) continue;
      else if (kept.get(path) === digest || safe) this.#owed.push(owed);
      else this.lostUnsynced += 1;
    }
    for (const [path, digest] of onDisk) this.#judge(path, digest, bucket);
  }

  #judge(path: string, digest: string, bucket: ReadonlyMap<string, string>): void {
    const sent = this.#sent.get(path);
    if (sent !== undefined && sent !== digest) {
      this.violations.push({ kind: 'torn', what: `${path} came over HTTP, and the cut left less of it` });
      return;
    }
    const versions = this.#versions.get(path) ?? [];
    const latest = versions.at(-1);
    const isLatestStored = latest !== undefined && isStored(bucket, path, [latest]);
    const { ino } = statSync(`${this.#spool}/${path}`);
    // What a producer had not synced may come back empty, so an older version may be empty as well.
    const isOlder = versions.includes(digest) && ino !== this.#newest.get(path);
    // Without `overwrite`, an older file that is put back is kept beside the newer one, and does no harm.
    if (isLatestStored && latest !== digest && (this.#overwrites || !isOlder)) {
      const what = isOlder ? 'an older file' : 'less of it';
      const found = `${what} (${digest.slice(0, 8)})`;
      this.violations.push({ kind: 'lost', what: `${path} was stored, and ${found} came back from the cut` });
    } else {
      this.#newest.set(path, ino);
      this.#owe(path, digest, false);
    }
  }

  #owe(path: string, digest: string, safe: boolean): void {
    this.everInSpool.add(digest);
    const versions = this.#versions.get(path) ?? [];
    this.#versions.set(path, [...versions.filter((version) => version !== digest), digest]);
    this.#owed.push({ path, digest, safe });
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
