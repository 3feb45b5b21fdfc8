// One life of the daemon in a simulated world: the whole daemon, on files, requests and a lock that may fail at any
// step, until it is stopped or crashes.
import './sim-deflate.ts';
import './sim-spool-files.ts';

import type { Settings } from '../../src/config/settings.ts';
import { Daemon } from '../../src/daemon.ts';
import type { DrainPorts } from '../../src/drain/drain-ports.ts';
import { isPacket, type PacketPlan } from '../../src/packets/packet.ts';
import type { DaemonEvent } from '../../src/report/daemon-event.ts';
import { Health } from '../../src/service/health.ts';
import type { DepositMode } from '../../src/spool/deposit-place.ts';
import { Deposits } from '../../src/spool/deposits.ts';
import type { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import type { Clock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import { KeptLog } from './kept-log.ts';
import { SimHost } from './sim-host.ts';
import { DEFAULTS, settingsOf } from './sim-settings.ts';
import { systemError } from './sim-spool-disk.ts';
import { SimFiles, type SimSteps } from './sim-spool-files.ts';
import type { Sender } from './sim-store-network.ts';
import type { SimWorld } from './sim-world.ts';

/** Exchanges a good part for a bad one, to see that it is found out. */
export interface Plant {
  readonly store?: (store: ObjectStore, spool: SpoolDirectory) => ObjectStore;
  readonly spool?: (spool: SpoolDirectory, world: SimWorld) => Partial<DrainPorts['spool']>;
  /** Files and folders that are not synced though it is said that they were. */
  readonly skipsSync?: RegExp;
  /** What an older file of a name does to a newer one is nobody's concern. */
  readonly forgetsOrder?: boolean;
  /** It is about files of producers: nothing that clients do may find it by luck. */
  readonly ofProducers?: boolean;
  /** In all its worlds small files are packed; otherwise in none. */
  readonly packs?: boolean;
  /** A packet and its plan are on the disk. */
  readonly packed?: (plan: PacketPlan, spool: SpoolDirectory) => void;
  /** How every upload is published, whatever its client asks for. */
  readonly depositMode?: DepositMode;
  /** An upload is acknowledged when it has its name, before that is durable. */
  readonly acknowledgesEarly?: boolean;
}

const SYNCS_AT_ONCE = 2;

export class SimProcess implements Sender, SimSteps {
  dead = false;
  /** It is up, and has swept. */
  ready = false;
  readonly clock: Clock;
  readonly #world: SimWorld;
  readonly #files: SimFiles;
  readonly #daemon: Daemon;
  readonly #host: SimHost;
  readonly #settings: Settings;
  #callsUnderWay = 0;
  #deposits: Deposits | undefined;
  #opening: Promise<void> | undefined;
  #isStopping = false;

  constructor(world: SimWorld) {
    this.#world = world;
    this.clock = this.#ownClock();
    this.#files = new SimFiles(world.disk, this);
    this.#host = new SimHost(world, this, this.#files);
    this.#settings = this.#drawSettings();
    this.#daemon = new Daemon(this.#settings, {
      host: this.#host,
      version: 'simulated',
      redact: (text) => text,
      shownOptions: () => [],
      // Nothing leaves by a link here, so no sign of life can be expected.
      health: new Health({ clock: this.clock, watchdogMs: undefined, ping: nothing, log: new KeptLog() }),
      listeners: [(event) => this.#hear(event)],
      onHopeless: nothing,
    });
  }

  /** Rejects as the daemon would end with an error; never settles after a crash. */
  start(): Promise<void> {
    const started = this.#daemon.start();
    if (this.#world.takesUploads) this.#opening = started.then(() => this.#openDeposits(), nothing);
    return started;
  }

  /** Undefined while no upload is taken. */
  get deposits(): Deposits | undefined {
    return this.#isStopping ? undefined : this.#deposits;
  }

  async #openDeposits(): Promise<void> {
    while (this.#deposits === undefined && !this.#isStopping) {
      try {
        this.#deposits = await Deposits.open(this.#files.spoolPath, { syncsAtOnce: SYNCS_AT_ONCE });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        this.#world.note(`takes no uploads: ${error.message}`);
        await this.clock.sleep(500);
      }
    }
  }

  /** As on SIGHUP, with another way of packing, and at times another place. */
  async reload(): Promise<void> {
    await this.#daemon.reload(this.#drawSettings());
    this.#world.note('reloaded');
  }

  /** As on SIGTERM. */
  async stop(): Promise<void> {
    if (this.#world.takesUploads) await this.#stopUploads();
    await this.#daemon.stop();
    // A call that was given up closes what it opened once it returns.
    while (this.#callsUnderWay > 0) await this.clock.sleep(100);
    this.#world.stopped(this.#files.openDescriptors);
    this.end();
  }

  async #stopUploads(): Promise<void> {
    this.#isStopping = true;
    await this.#opening;
    await this.#world.closeUploads(this);
    await this.#deposits?.close();
  }

  /** As by SIGKILL, between two instructions. */
  crash(): void {
    this.end();
    this.#world.crashed();
  }

  end(): void {
    this.dead = true;
    this.#world.packets?.ended();
    this.#host.end();
    this.#files.end();
  }

  get idle(): boolean {
    return this.ready && this.#daemon.snapshot().state === 'idle';
  }

  /** A watch event comes through. */
  hint(): void {
    this.#host.hint();
  }

  get isLocalDisk(): boolean {
    return this.#world.isLocalDisk;
  }

  step(): boolean {
    if (this.dead) return false;
    if (!this.#world.isLastStep()) return true;
    this.crash();
    return false;
  }

  async take<T>(operation: string, subject: string, effect: () => T): Promise<T> {
    const world = this.#world;
    const never = () => new Promise<never>(() => undefined);
    if (!this.step()) return never();
    const waitMs = world.stepDelayMs();
    this.#callsUnderWay += 1;
    if (waitMs > 0) await this.clock.sleep(waitMs);
    this.#callsUnderWay -= 1;
    if (this.dead) return never();
    const result = this.takeNow(operation, subject, effect);
    return this.step() ? result : never();
  }

  takeAtOnce<T>(operation: string, subject: string, effect: () => T): T {
    if (!this.step()) throw systemError('EIO', operation);
    return this.takeNow(operation, subject, effect);
  }

  takeNow<T>(operation: string, subject: string, effect: () => T): T {
    const world = this.#world;
    const error = world.diskFault(operation, subject);
    world.note(`${operation} ${subject} ${error?.code ?? ''}`);
    if (error !== undefined) throw error;
    if (operation === 'unlink') world.removing(subject);
    if (operation === 'rename') world.renaming(subject);
    const isSkipped = operation === 'fsync' && world.plant.skipsSync?.test(subject) === true;
    const result = isSkipped ? (undefined as T) : effect();
    world.touched(operation, subject);
    return result;
  }

  shortRead(bytes: number): number {
    return this.#world.shortRead(bytes);
  }

  #drawSettings(): Settings {
    const { settings, packets } = this.#world;
    const prefix = packets?.drawPrefix() ?? '';
    const drawn = { ...settings, prefix, packets: packets?.draw(DEFAULTS.packets) };
    return settingsOf(drawn, this.#files.spoolPath, this.#files.manifestPath);
  }

  #hear(event: DaemonEvent): void {
    const text = traceOf(event);
    if (text !== undefined) this.#world.note(text);
    if (event.kind === 'packed') this.#world.packed(event.packet, this.#host.spool);
    if (event.kind === 'asideStep' && event.step === 'waits') this.#world.packets?.waits(event.path);
    if (event.kind === 'packetSplit') this.#world.packets?.split(event.packet, event.repeated);
    if (event.kind === 'packetDropped') this.#world.packets?.repeated(event.repeated);
    if (event.kind === 'membersRepeated') this.#world.packets?.repeated(event.members.length);
    if (event.kind === 'uploaded' && isPacket(event.entry)) {
      const { packet, removed } = event.entry;
      this.#world.packets?.leftBehind(packet.members.filter((member) => !removed.includes(member)));
    }
    if (event.kind === 'uploaded' && !isPacket(event.entry) && event.transferred.outcome === 'stored')
      this.#world.packets?.sentAlone(event.entry, event.transferred.proof);
    if (/^packet|^packing|^members/.test(event.kind)) this.#world.count(`event: ${event.kind}`);
    if (event.kind === 'lateWrite') this.#world.late(event.path.toString());
    const isSweep = event.kind === 'fault' && event.operation.startsWith('abort orphaned');
    if (event.kind === 'swept' || isSweep) this.ready = true;
  }

  /** What was scheduled by a process that has ended does not happen. */
  #ownClock(): Clock {
    const { clock } = this.#world;
    const whileAlive = (act: () => void) => () => {
      if (!this.dead) act();
    };
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      schedule: (ms, callback) => clock.schedule(ms, whileAlive(callback)),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) return reject(signal.reason);
          const onAbort = () => {
            cancel();
            reject(signal?.reason);
          };
          const cancel = clock.schedule(
            ms,
            whileAlive(() => {
              signal?.removeEventListener('abort', onAbort);
              resolve();
            }),
          );
          signal?.addEventListener('abort', onAbort, { once: true });
        }),
    };
  }
}

const nothing = () => undefined;

/** What is worth a line of the trace. */
function traceOf(event: DaemonEvent): string | undefined {
  switch (event.kind) {
    case 'uploaded':
      return `uploaded ${event.entry.path} ${event.transferred.outcome}`;
    case 'deferred': {
      const { entry, fault, delayMs } = event;
      return `deferred ${entry.path} ${fault.faultClass} ${fault.code} ${fault.message} ${delayMs}`;
    }
    case 'unsaved':
      return `unsaved ${event.path} ${event.fault.code} ${event.fault.message}`;
    case 'quarantined':
    case 'stillWritten':
      return `${event.kind} ${event.entry.path} ${event.fault.code} ${event.fault.message}`;
    case 'packed':
      return `packed ${event.packet.key} ${event.packet.members.map(({ name }) => name).join()}`;
    case 'packetDropped':
      return `dropped ${event.id} ${event.reason} ${event.repeated}`;
    case 'packetSplit':
      return `split ${event.packet.key} ${event.reason}`;
    case 'packingRests':
      return `packing rests ${event.why} ${event.fault.code}`;
    case 'folderHeld':
      return `held ${event.folder} ${event.fault.code}`;
    case 'folderFreed':
      return `freed ${event.folder}`;
    case 'paused':
      return `paused ${event.fault.code} ${event.fault.message}`;
    case 'asideStep':
      return `aside ${event.path} ${event.step}`;
    case 'fault':
      return `${event.operation} failed ${event.error instanceof Fault ? event.error.code : event.error}`;
    case 'swept':
      return `swept ${event.uploads}`;
    case 'activity':
    case 'notice':
    case 'request':
    case 'scanned':
    case 'state':
      return undefined;
    default:
      return event.kind;
  }
}
