// A whole world from one seed: a disk, producers, a store, a network between, and the daemon's processes one after the
// other. First everything goes wrong, then nothing any more; then the oracle judges. The same seed is the same run.
import './sim-deflate.ts';
import './sim-spool-files.ts';

import type { PacketPlan } from '../../src/packets/packet.ts';
import type { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { keyFor } from '../../src/store/keys.ts';
import { isStored, judge, type QuarantinedFile, type Violation } from './oracle.ts';
import { isOwnObject } from './own-object.ts';
import { SimClock } from './sim-clock.ts';
import { SETTLE_MS, type SimSettings } from './sim-settings.ts';
import { type Errno, SimDisk, type SimNode, systemError } from './sim-spool-disk.ts';
import { SIM_PART_BYTES } from './sim-store-client.ts';
import { SimStoreNetwork } from './sim-store-network.ts';
import { SimStoreServer } from './sim-store-server.ts';
import { BadFiles, goodFiles } from './sim-world-bad.ts';
import { ManifestWatch, STATE } from './sim-world-manifest.ts';
import { isPacketKey, placed, placeOf, SimPackets, unmoved } from './sim-world-packets.ts';
import { type Plant, SimProcess } from './sim-world-process.ts';
import { digestOf, SimProducers, SPOOL } from './sim-world-producers.ts';
import { SimRandom } from './sim-world-random.ts';
import { SimUploads } from './sim-world-uploads.ts';

export interface SimOptions {
  readonly plant?: Plant;
  /** Small files are packed, whatever the seed says. */
  readonly packs?: boolean | undefined;
  /** Sees every line of the trace. */
  readonly onTrace?: (line: string) => void;
}

export interface SimOutcome {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Of the whole trace: equal for equal runs. */
  readonly hash: string;
  readonly figures: SimFigures;
}

/** How often what happened, by name. */
export type SimFigures = Readonly<Record<string, number>>;

const PRIVATE = `${SPOOL}/.halfpipe`;
const CONFLICTS = [
  'keep-both',
  'keep-both',
  'keep-both',
  'keep-both',
  'overwrite',
  'overwrite',
  'skip',
] as const;
/** Longer than any file waits by itself: the patience with one that was written to goes to 10 min. */
const STARVED_MS = 25 * 60_000;
/** Of all worlds, those in which small files are packed. */
const PACKETS_SHARE = 0.25;
/** Of all packets, those that are followed by a reload. */
const RELOADS_SHARE = 0.15;
/** Of all worlds, those in which clients deposit files. */
const UPLOADS_SHARE = 0.35;
const QUIET_LIMIT_MS = 40 * 60_000;
/** Versions of one path that can wait aside, each for a start of its own. */
const RESTARTS_MAX = 14;

export async function simulate(seed: number, options: SimOptions = {}): Promise<SimOutcome> {
  const { stackTraceLimit } = Error;
  // Errors are made by the thousand and nobody looks where.
  Error.stackTraceLimit = 0;
  try {
    return await new SimWorld(seed, options).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

const keyOf = (path: string) => keyFor(Buffer.from(path), '');

export class SimWorld {
  readonly clock = new SimClock();
  readonly disk: SimDisk;
  readonly random: SimRandom;
  readonly settings: Omit<SimSettings, 'packets' | 'prefix'>;
  /** See SimSteps. */
  readonly isLocalDisk: boolean;
  readonly plant: Plant;
  readonly network: SimStoreNetwork;
  readonly packets: SimPackets | undefined;
  readonly #seed: number;
  readonly #onTrace: SimOptions['onTrace'];
  readonly #chaos: SimRandom;
  readonly #steps: SimRandom;
  readonly #producers: SimProducers;
  readonly #server: SimStoreServer;
  readonly #foreign = new Map<string, string>();
  readonly #foreignUploads: string[] = [];
  readonly #figures: Record<string, number> = {};
  readonly #violations: Violation[] = [];
  readonly #bad: BadFiles | undefined;
  readonly #uploads: SimUploads | undefined;
  #manifest: ManifestWatch | undefined;
  #process: SimProcess | undefined;
  #lockedBy: SimProcess | undefined;
  #faulty = true;
  #tellsWriters: boolean;
  #diskFaultShare = 0;
  #diskFull = false;
  #raceShare = 0;
  /** Files that have their place back, and are about to lose their name in the private folder. */
  readonly #returned = new WeakSet<SimNode>();
  #stepsLeft = Number.POSITIVE_INFINITY;
  #crashesLeft = 0;
  #hash = 0x811c9dc5;

  constructor(seed: number, { plant, packs, onTrace }: SimOptions) {
    this.#seed = seed;
    this.plant = plant ?? {};
    this.#onTrace = onTrace;
    const random = new SimRandom(seed);
    [this.random, this.#chaos, this.#steps] = [random.fork(), random.fork(), random.fork()];
    this.disk = new SimDisk(() => this.clock.wallMs(), random.pick(['journal', 'journal', 'log']));
    const { clock, disk } = this;
    const note = (text: string) => this.note(text);
    const settings = {
      conflict: random.pick(CONFLICTS),
      settleMs: random.chance(0.3) ? 0 : SETTLE_MS,
      order: random.pick<SimSettings['order']>([
        'oldest-first',
        'oldest-first',
        'newest-first',
        'smallest-first',
        'name',
      ]),
      prunes: random.chance(0.5),
      tellsWriters: random.chance(0.8),
    };
    this.#tellsWriters = settings.tellsWriters;
    this.#server = new SimStoreServer({
      conditions: random.pick(['honour', 'honour', 'ignore', 'refuse']),
      opaqueEtags: random.chance(0.3),
      checksums: random.chance(0.4),
      checksMd5: random.chance(0.4),
    });
    this.network = new SimStoreNetwork({
      clock,
      random: random.fork(),
      server: this.#server,
      onFault: (fault) => this.count(`network: ${fault}`),
      note,
    });
    this.#producers = new SimProducers({
      clock,
      disk,
      random: random.fork(),
      partBytes: SIM_PART_BYTES,
      overwrites: settings.conflict === 'overwrite',
      note,
      onChange: () => this.#hint(),
    });
    const bad = random.fork();
    this.#bad = bad.chance(0.4) ? new BadFiles(bad) : undefined;
    // Drawn last, so that worlds without a manifest stay what they were; then worlds without uploads.
    if (random.fork().chance(0.4)) this.#manifest = new ManifestWatch(disk);
    this.settings = { ...settings, keepsManifest: this.#manifest !== undefined };
    const uploads = random.fork();
    this.isLocalDisk = random.fork().chance(0.5);
    const packets = random.fork();
    const isPacked = packets.chance(PACKETS_SHARE);
    if (packs ?? (plant === undefined ? isPacked : plant.packs === true))
      this.packets = new SimPackets(packets, this.#server, (...counted) => this.count(...counted));
    if (!uploads.chance(UPLOADS_SHARE) || plant?.ofProducers === true) return;
    this.#uploads = new SimUploads({
      ...{ clock, disk, random: uploads, producers: this.#producers, note },
      server: () => this.#process,
      onChange: () => this.#hint(),
      count: (what) => this.count(what),
      crashSoon: (steps) => this.crashSoon(steps),
      forcedMode: plant?.depositMode,
      acknowledgesEarly: plant?.acknowledgesEarly === true,
    });
  }

  async run(): Promise<SimOutcome> {
    this.#setUp();
    this.#startProcess();
    await this.clock.advance(this.#chaos.between(15_000, 30_000));
    this.#calm();
    await this.#passBadFiles();
    await this.#until(() => this.#isDrained(), 'drained');
    await this.#restartUntilClean();
    this.#judge();
    this.#process?.end();
    const { excusedRaces, lostUnsynced } = this.#producers;
    const figures = {
      ...this.#figures,
      'excused races': excusedRaces,
      'unsynced files lost with the power': lostUnsynced,
    };
    const hash = (this.#hash >>> 0).toString(16).padStart(8, '0');
    return { seed: this.#seed, violations: this.#violations, hash, figures };
  }

  /** One line of the trace. */
  note(text: string): void {
    // Worlds of one process have folders of their own; which number that is says nothing about the world.
    const line = `${this.clock.monotonicMs().toFixed(3)} ${text.replace(/\/sim\/\d+/g, '')}`;
    for (let at = 0; at < line.length; at += 1)
      this.#hash = Math.imul(this.#hash ^ line.charCodeAt(at), 0x01000193);
    this.#onTrace?.(line);
  }

  count(what: string, times = 1): void {
    this.#figures[what] = (this.#figures[what] ?? 0) + times;
  }

  /** The next crash, if there is one, comes after so many steps at the latest. */
  crashSoon(steps: number): void {
    if (Number.isFinite(this.#stepsLeft)) this.#stepsLeft = Math.min(this.#stepsLeft, steps);
  }

  isLastStep(): boolean {
    this.#stepsLeft -= 1;
    return this.#stepsLeft === 0;
  }

  stepDelayMs(): number {
    const dice = this.#steps.next();
    if (dice < 0.8) return 0;
    return dice < 0.995 || !this.#faulty ? this.#steps.between(0, 3) : this.#steps.between(100, 3_000);
  }

  shortRead(bytes: number): number {
    return bytes > 1 && this.#steps.chance(0.3) ? 1 + this.#steps.int(bytes) : bytes;
  }

  diskFault(operation: string, subject: string): NodeJS.ErrnoException | undefined {
    const isBad = this.#bad?.cannotRead(operation, subject) === true;
    const code = isBad ? 'EIO' : this.#faulty ? this.#errno(operation, subject) : undefined;
    if (code === undefined) return undefined;
    this.count(`disk: ${code}`);
    return systemError(code, operation);
  }

  /** A process has just looked at something: the worst moment for a producer to do something to it. */
  touched(operation: string, subject: string): void {
    const isNamed = operation === 'link' || operation === 'rename';
    if (isNamed) this.#noteReturn(operation, subject);
    if (isNamed && subject.startsWith(`${SPOOL}/`)) this.#uploads?.named(subject.slice(SPOOL.length + 1));
    if (!this.#faulty || subject.startsWith(PRIVATE) || !subject.startsWith(`${SPOOL}/`)) return;
    // No producer writes under the names of our probes.
    if (operation === 'lstat' || subject.includes('/.halfpipe-')) return;
    if (!this.#chaos.chance(this.#raceShare)) return;
    const meddle = () => this.#producers.meddle(subject.slice(SPOOL.length + 1));
    if (this.#chaos.chance(0.5)) meddle();
    else this.clock.schedule(this.#chaos.between(0, 4), meddle);
  }

  #noteReturn(operation: 'link' | 'rename', subject: string): void {
    const node = this.disk.find(subject);
    if (node === undefined) return;
    if (operation === 'link' && !subject.startsWith(`${PRIVATE}/`)) this.#returned.add(node);
    else this.#returned.delete(node);
  }

  crashed(): void {
    this.count('crash');
    this.note('CRASH');
    this.#producers.crashed();
    // It may not have got round to writing down the id of an upload it had just begun.
    for (const [id, { used }] of this.#server.uploads) if (!used) this.network.untold.add(id);
    if (this.#chaos.chance(0.5)) this.#cutPower();
    this.#replaceKept();
    this.#armCrash();
    this.#restartSoon();
  }

  /** While the daemon is down new files take the names of those that it was just removing. */
  #replaceKept(): void {
    for (const [path] of this.disk.files(`${PRIVATE}/aside/0`))
      if (this.#chaos.chance(0.5)) this.#producers.drop(decodeURIComponent(path));
  }

  /** A process takes the spool's lock. */
  locked(process: SimProcess): void {
    if (this.#lockedBy !== undefined) throw new Error('two processes have the spool');
    this.#lockedBy = process;
  }

  released(process: SimProcess): void {
    if (this.#lockedBy === process) this.#lockedBy = undefined;
  }

  /** In one of its lives the daemon had to do without. */
  cannotTellWriters(): void {
    this.#tellsWriters = false;
  }

  /** What was written to a file after its removal is back. */
  late(path: string): void {
    this.count('late write brought back');
    this.note(`late ${path}`);
    this.#producers.cameLate(path);
  }

  stopped(openDescriptors: number): void {
    this.note('stopped');
    if (openDescriptors > 0)
      this.#violations.push({ kind: 'leftover', what: `${openDescriptors} descriptors open after a stop` });
  }

  #setUp(): void {
    const { disk, clock } = this;
    const chaos = this.#chaos;
    disk.makeFolder(SPOOL, 0o755);
    if (this.#manifest !== undefined) {
      disk.makeFolder(STATE, 0o700);
      this.count('worlds with a manifest');
    }
    disk.sync(disk.root);
    for (const path of this.#bad?.paths ?? []) this.#producers.drop(path);
    if (this.#bad !== undefined) this.count(`bad files: ${this.#bad.kind}`);
    this.#server.refusal = (key, body) => this.#bad?.refusal(unmoved(key), body);
    this.network.faultShare = chaos.pick([0.02, 0.1, 0.3]);
    this.#diskFaultShare = chaos.pick([0, 0.0005, 0.005]);
    this.#raceShare = chaos.pick([0, 0.01, 0.05]);
    this.#crashesLeft = chaos.int(5);
    this.#armCrash();
    for (const key of ['a.bin', 'c', 'dir/d.bin']) {
      // What `overwrite` replaces was never promised to others.
      if (!chaos.chance(0.2) || this.settings.conflict === 'overwrite') continue;
      const body = chaos.bytes(chaos.int(200));
      this.#server.put(key, body);
      this.#foreign.set(key, digestOf(body));
      if (chaos.chance(0.5)) this.#foreignUploads.push(this.#server.begin(key));
    }
    for (let count = 2 + chaos.int(7); count > 0; count -= 1)
      clock.schedule(chaos.between(0, 20_000), () => this.#producers.act());
    for (let count = chaos.int(3); count > 0; count -= 1) this.#planOutage(chaos.between(0, 20_000));
    if (chaos.chance(0.3)) this.#planFullDisk(chaos.between(0, 20_000));
    if (chaos.chance(0.2)) clock.schedule(chaos.between(0, 20_000), () => this.#stepWall());
    if (chaos.chance(0.25)) clock.schedule(chaos.between(1_000, 20_000), () => this.#stopProcess());
    this.#setUpPackets();
  }

  /** Files come in groups, and the way they are packed changes. */
  #setUpPackets(): void {
    if (this.packets === undefined) return;
    const { clock } = this;
    const chaos = this.#chaos;
    this.count('worlds with packets');
    for (let bursts = 1 + chaos.int(3); bursts > 0; bursts -= 1) {
      const atMs = chaos.between(0, 20_000);
      for (let count = 2 + chaos.int(4); count > 0; count -= 1)
        clock.schedule(atMs + chaos.between(0, 300), () => this.#producers.act());
    }
    if (chaos.chance(0.4)) clock.schedule(chaos.between(0, 20_000), () => this.#reloadProcess());
  }

  #reloadProcess(): void {
    const process = this.#process;
    if (process?.ready !== true) return;
    this.count('reload');
    process.reload().catch((error) => {
      if (!process.dead) this.#violations.push({ kind: 'not drained', what: `reload() failed: ${error}` });
    });
  }

  /** A packet and its plan are on the disk. */
  packed(plan: PacketPlan, spool: SpoolDirectory): void {
    this.packets?.packed(plan);
    // Not yet sent, while it is sent, or while its files are removed.
    if (this.#faulty && this.#chaos.chance(RELOADS_SHARE))
      this.clock.schedule(this.#chaos.between(0, 100), () => this.#reloadProcess());
    this.plant.packed?.(plan, spool);
  }

  /** A process removes what has this name. */
  removing(subject: string): void {
    const [, slot] = /^\/spool\/\.halfpipe\/aside\/\d\/(.*)$/s.exec(subject) ?? [];
    const node = slot === undefined ? undefined : this.disk.find(subject);
    // Its producer may have taken it from its place since it has that back.
    if (slot === undefined || node === undefined || this.#returned.has(node)) return;
    const violation = this.#manifest?.removing(decodeURIComponent(slot), node);
    if (violation !== undefined) this.#violations.push(violation);
    const unstored = this.packets?.removing(decodeURIComponent(slot), node);
    if (unstored !== undefined) this.#violations.push(unstored);
  }

  /** A process gives something this name. */
  renaming(subject: string): void {
    if (subject.startsWith(`${SPOOL}/`)) this.#uploads?.renaming(subject.slice(SPOOL.length + 1));
  }

  get takesUploads(): boolean {
    return this.#uploads !== undefined;
  }

  async closeUploads(process: SimProcess): Promise<void> {
    await this.#uploads?.close(process);
  }

  /** The process has ended a moment ago. */
  #cutPower(): void {
    this.count('power cut');
    this.note('POWER CUT');
    this.packets?.powerCut();
    const bucket = this.#bucket();
    const packed = this.packets?.stored();
    const lost = this.#producers.powerCut(
      () => this.disk.cutPower(this.#chaos),
      (path, digests) =>
        isStored(bucket, keyOf(path), digests) || digests.some((digest) => packed?.get(path)?.has(digest)),
    );
    this.#violations.push(...lost);
    for (const [path, { ino, content }] of this.disk.files(SPOOL))
      if (!path.startsWith('.')) this.note(`left ${path} ${ino} ${content.length}`);
  }

  /** Files' objects alone, without packets. */
  #objects() {
    return [...this.#server.objects].filter(([key]) => !isOwnObject(key) && !isPacketKey(key));
  }

  #digests(): Map<string, string> {
    return new Map(this.#objects().map(([key, { body }]) => [key, digestOf(body)]));
  }

  #bucket(): Map<string, string> {
    return placed(this.#digests());
  }

  #planOutage(atMs: number): void {
    this.clock.schedule(atMs, () => {
      this.network.outage = this.#faulty ? '500' : undefined;
      this.clock.schedule(this.#chaos.between(500, 8_000), () => {
        this.network.outage = undefined;
      });
    });
  }

  #planFullDisk(atMs: number): void {
    this.clock.schedule(atMs, () => {
      this.#diskFull = true;
      this.clock.schedule(this.#chaos.between(500, 8_000), () => {
        this.#diskFull = false;
      });
    });
  }

  #stepWall(): void {
    this.count('wall clock step');
    this.clock.stepWall(this.#chaos.pick([-3_600_000, 3_600_000, -5_000, 86_400_000]));
  }

  /** From now on nothing goes wrong any more; what is under way still may. */
  #calm(): void {
    this.note('CALM');
    this.#faulty = false;
    this.network.faultShare = 0;
    this.network.outage = undefined;
    this.#diskFull = false;
    this.#stepsLeft = Number.POSITIVE_INFINITY;
  }

  #armCrash(): void {
    this.#crashesLeft -= 1;
    const far = this.#chaos.pick([60, 300, 1_000]);
    this.#stepsLeft =
      this.#faulty && this.#crashesLeft >= 0 ? 1 + this.#chaos.int(far) : Number.POSITIVE_INFINITY;
  }

  #startProcess(): void {
    const process = new SimProcess(this);
    this.#process = process;
    process.start().then(
      () => this.note('started'),
      (error) => {
        if (process.dead) return;
        this.note(`start failed: ${error.message}`);
        process.end();
        this.#restartSoon();
      },
    );
  }

  #restartSoon(): void {
    this.#process = undefined;
    this.clock.schedule(this.#chaos.between(50, 3_000), () => {
      if (this.#process === undefined) this.#startProcess();
    });
  }

  #stopProcess(): void {
    const process = this.#process;
    if (process?.ready !== true) return;
    this.count('graceful stop');
    process.stop().then(
      () => this.#restartSoon(),
      (error) => this.#violations.push({ kind: 'not drained', what: `stop() failed: ${error}` }),
    );
  }

  #hint(): void {
    if (this.#chaos.chance(0.3)) return this.count('watch event lost');
    this.clock.schedule(this.#chaos.between(1, 50), () => this.#process?.hint());
  }

  #errno(operation: string, subject: string): Errno | undefined {
    const writes = operation === 'write' || operation === 'mkdir' || operation === 'fsync';
    if (
      this.#diskFull &&
      (subject.startsWith(PRIVATE) || subject.startsWith(STATE)) &&
      (writes || (operation === 'open' && subject.includes('/tmp/')))
    )
      return 'ENOSPC';
    if (operation === 'close' || operation === 'ask' || !this.#steps.chance(this.#diskFaultShare))
      return undefined;
    return operation === 'open' || operation === 'opendir' ? 'EMFILE' : 'EIO';
  }

  /** Bad files are bad until all others have gone. */
  async #passBadFiles(): Promise<void> {
    const endMs = this.clock.monotonicMs() + STARVED_MS;
    while (this.#bad !== undefined && goodFiles(this.disk, this.#bad).length > 0) {
      if (this.clock.monotonicMs() > endMs) {
        const what = `${goodFiles(this.disk, this.#bad).join()} beside ${this.#bad.kind}`;
        this.#violations.push({ kind: 'starved', what });
        break;
      }
      await this.clock.advance(1_000);
    }
    this.#bad?.end();
  }

  async #until(isDone: () => boolean, what: string): Promise<void> {
    const endMs = this.clock.monotonicMs() + QUIET_LIMIT_MS;
    while (!isDone()) {
      if (this.clock.monotonicMs() > endMs) {
        this.#violations.push({ kind: 'not drained', what: `never ${what}` });
        return;
      }
      await this.clock.advance(1_000);
    }
  }

  /** What waits for the next start gets it. */
  async #restartUntilClean(): Promise<void> {
    for (let restart = 0; restart < RESTARTS_MAX; restart += 1) {
      await this.#until(() => this.#process?.ready === true, 'ready');
      const isClean = this.#leftovers().length === 0 && this.#openUploads().length === 0;
      if (isClean && (restart > 0 || this.#chaos.chance(0.7))) return;
      const before = this.#process;
      this.#stopProcess();
      await this.#until(() => this.#process !== before, 'stopped');
      await this.#until(() => this.#process?.ready === true && this.#isDrained(), 'drained after a restart');
      if (this.#violations.length > 0) return;
    }
  }

  #isDrained(): boolean {
    if (this.#process?.idle !== true || this.network.underWay > 0) return false;
    return this.#spooled().size === 0 && this.#uploads?.idle !== false;
  }

  #judge(): void {
    const objects = this.#objects();
    const digests = this.#digests();
    const harmed = objects.filter(([, { damaged }]) => damaged).map(([key]) => placeOf(key, digests));
    this.#violations.push(
      ...this.#producers.violations,
      ...(this.#manifest?.judge() ?? []),
      ...(this.packets?.judge((path) => this.#producers.everAt(path)) ?? []),
      ...judge({
        obligations: this.#producers.obligations,
        keyOf,
        bucket: this.#bucket(),
        ...(this.packets && { packed: this.packets.stored() }),
        spool: this.#spooled(),
        quarantine: this.#quarantined(),
        everInSpool: this.#producers.everComplete(this.#tellsWriters),
        foreign: this.#foreign,
        damaged: new Set(harmed),
        openUploads: this.#openUploads(),
        leftovers: this.#leftovers(),
        quiet: true,
      }),
    );
    for (const uploadId of this.#foreignUploads)
      if (!this.#server.uploads.has(uploadId))
        this.#violations.push({ kind: 'foreign', what: `${uploadId}, another's upload, was ended` });
    for (const uploadId of this.network.untold)
      if (this.#server.uploads.has(uploadId)) this.count('uploads nobody could know of');
    // A crash leaves it: no file is behind it whose journal would name it. config/OPERATING.md says so.
    this.#figures['uploads of our own left open'] = [...this.#server.uploads.values()].filter(({ key }) =>
      isOwnObject(key),
    ).length;
    this.#figures['removals recorded'] = this.#manifest?.removals ?? 0;
    this.#figures['files judged'] = this.#producers.obligations.length;
    this.#figures['objects in the bucket'] = objects.length;
    this.#figures['files in quarantine'] = this.#quarantined().length;
    this.#figures['multipart uploads ended'] = this.#server.endedUploads;
  }

  #spooled(): Map<string, string> {
    const files = [...this.disk.files(SPOOL)].filter(([path]) => !path.startsWith('.'));
    return new Map(files.map(([path, { content }]) => [path, digestOf(content)]));
  }

  #openUploads(): string[] {
    const ofFiles = [...this.#server.uploads].filter(([, { key }]) => !isOwnObject(key)).map(([id]) => id);
    const ours = ofFiles.filter((id) => !this.#foreignUploads.includes(id));
    return ours.filter((id) => !this.network.untold.has(id));
  }

  #leftovers(): string[] {
    const kept = [...this.disk.files(PRIVATE)].map(([path]) => path);
    const probes = [...this.disk.files(SPOOL)]
      .map(([path]) => path)
      .filter((path) => path.startsWith('.halfpipe-'));
    return [...kept.filter((path) => !/^(quarantine|spare)\//.test(path)), ...probes];
  }

  #quarantined(): QuarantinedFile[] {
    const files = [...this.disk.files(`${PRIVATE}/quarantine`)].filter(([path]) => path.includes('/'));
    return files.map(([place, { content }]) => {
      const beside = this.disk.find(`${PRIVATE}/quarantine/${place.replace(/\/.*/s, '')}.json`)?.content;
      const record = beside === undefined ? undefined : JSON.parse(beside.toString());
      const path = Buffer.from(record?.pathBase64 ?? '', 'base64').toString();
      return { path, digest: digestOf(content), reason: record?.reason };
    });
  }
}
