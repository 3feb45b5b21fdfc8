// Takes small files from the backlog, and has them packed when there are enough of them.

import { asFault } from '../drain/drain-faults.ts';
import type { DrainBacklog } from '../drain/drain-ports.ts';
import type { Entry, SpoolPath } from '../spool/entry.ts';
import { atMost } from '../system/at-most.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import { type PackerPorts, pack } from './packer.ts';
import type { PacketEntry } from './packet.ts';
import type { PacketEvent, RestReason } from './packet-event.ts';
import { type Group, Packing, type PackingOptions } from './packing.ts';

export interface GatheringPorts {
  readonly clock: Clock;
  readonly backlog: Pick<DrainBacklog, 'take' | 'release'>;
  /** How packets are made, by the settings in force. */
  readonly packer: () => PackerPorts;
  /** How many packets wait to be sent, and how many to be sent again. */
  readonly waiting: () => { readonly ready: number; readonly deferred: number };
  /** True for a file that is in a packet already. */
  readonly isPacked: (path: SpoolPath) => boolean;
  readonly onSealed: (packet: PacketEntry) => void;
  /** The backlog may have other files to hand out. */
  readonly onReturned: () => void;
  /** The drain may have something to do. */
  readonly onWork: () => void;
  readonly onEvent: (event: PacketEvent) => void;
}

/** While so many packets wait to be sent, or are made, no more files are taken. */
const PACKETS_AHEAD = 2;
/** While so many packets wait for another attempt, files are sent by themselves. */
const DEFERRED_MAX = 8;
/** How long close() waits for the disk. */
const CLOSE_MS = 5_000;
/** A packet could not be written, because the disk is full for example. */
const REST_MS = 60_000;

/**
 * One packet is written at a time. Every file that was taken is in a packet in the end, or was
 * given back. Monotonic clock. Nothing rejects.
 */
export class Gathering {
  readonly #ports: GatheringPorts;
  readonly #packing: Packing;
  #abort = new AbortController();
  #writing: Promise<void> | undefined;
  #isOpen = true;
  /** The backlog has nothing that can be packed. */
  #isExhausted = false;
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: () => void = () => undefined;

  constructor(ports: GatheringPorts, options: PackingOptions | undefined) {
    this.#ports = ports;
    this.#packing = new Packing(options);
  }

  get waiting(): Packing['waiting'] {
    return this.#packing.waiting;
  }

  /** The files that `waiting` counts. */
  get files(): Iterable<Entry> {
    return this.#packing;
  }

  /** True if the file is for a packet, not to be sent by itself. */
  isPackable(entry: Entry): boolean {
    return this.#fits(entry) && this.#mayPack;
  }

  /** The backlog may have other files. */
  lookAgain(): void {
    this.#isExhausted = false;
  }

  /** Takes files while there is room for another packet. */
  gather(): void {
    const { clock, backlog } = this.#ports;
    this.#next();
    while (!this.#isExhausted && this.#hasRoom && this.#mayPack) {
      const entry = backlog.take((best) => this.#fits(best));
      if (entry === undefined) this.#isExhausted = true;
      else this.#packing.add(entry, clock.monotonicMs());
      this.#next();
    }
  }

  /** See Packing. */
  split(files: Parameters<Packing['split']>[0]): void {
    this.#packing.split(files);
  }

  /** See Packing. */
  alone(file: Parameters<Packing['alone']>[0]): void {
    this.#packing.alone(file);
  }

  get isResting(): boolean {
    return this.#ports.clock.monotonicMs() < this.#restsUntilMs;
  }

  /** Files are sent by themselves for this time, also those that were taken. */
  rest(why: RestReason, fault: Fault, forMs: number): void {
    const { clock, onEvent } = this.#ports;
    this.#restsUntilMs = clock.monotonicMs() + forMs;
    for (const entry of this.#packing.clear()) this.#return(entry);
    this.#ports.onReturned();
    onEvent({ kind: 'packingRests', why, fault, forMs });
  }

  /** Ends a rest. */
  endRest(): void {
    this.#restsUntilMs = Number.NEGATIVE_INFINITY;
    this.#isExhausted = false;
  }

  /** Gives everything back that is not in a packet, until open(). Resolves when that is done. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#giveBack();
  }

  open(): void {
    this.#isOpen = true;
    this.#isExhausted = false;
  }

  /** The options hold for what is taken from now on. */
  async reconfigure(options: PackingOptions | undefined): Promise<void> {
    const returned = this.#giveBack();
    for (const entry of this.#packing.reconfigure(options)) this.#return(entry);
    this.endRest();
    await returned;
  }

  /** Asked of thousands of files in a row, all of which may be too large. */
  #fits(entry: Entry): boolean {
    return this.#packing.isPackable(entry) && !this.#ports.isPacked(entry.path);
  }

  get #mayPack(): boolean {
    return this.#isOpen && !this.isResting && this.#ports.waiting().deferred < DEFERRED_MAX;
  }

  get #hasRoom(): boolean {
    if (!this.#packing.isOn || this.#packing.nextDueAtMs === Number.NEGATIVE_INFINITY) return false;
    return (
      this.#isOpen && this.#ports.waiting().ready + (this.#writing === undefined ? 0 : 1) < PACKETS_AHEAD
    );
  }

  async #giveBack(): Promise<void> {
    this.#cancelTimer();
    this.#abort.abort(new DOMException('packing has ended', 'AbortError'));
    this.#abort = new AbortController();
    for (const entry of this.#packing.clear()) this.#return(entry);
    // A stalled disk must not keep a stop waiting. What was being written is given back when it
    // ends.
    if (this.#writing !== undefined) await atMost(CLOSE_MS, this.#writing, this.#ports.clock);
  }

  #return({ path }: Entry): void {
    this.#ports.backlog.release(path, 'returned');
    this.#ports.onReturned();
  }

  /** Begins to write the next packet, if one is complete and there is room for it. */
  #next(): void {
    const { clock, waiting, onWork } = this.#ports;
    this.#cancelTimer();
    while (this.#writing === undefined && waiting().ready < PACKETS_AHEAD) {
      const group = this.#packing.take(clock.monotonicMs());
      if (group === undefined) return this.#waitForDue();
      const [first, ...others] = group.entries;
      if (first !== undefined && others.length === 0) {
        this.#packing.alone(first);
        this.#return(first);
        onWork();
      } else this.#writing = this.#write(group);
    }
  }

  #waitForDue(): void {
    const { nextDueAtMs } = this.#packing;
    if (nextDueAtMs === undefined) return;
    const { clock } = this.#ports;
    const waitMs = Math.max(0, nextDueAtMs - clock.monotonicMs());
    this.#cancelTimer = clock.schedule(waitMs, () => this.#next());
  }

  async #write(group: Group): Promise<void> {
    const { clock, packer, onSealed, onWork } = this.#ports;
    const { signal } = this.#abort;
    try {
      const { entry, left } = await pack(group, clock.wallMs(), packer(), signal);
      for (const file of left) {
        this.#packing.alone(file);
        this.#return(file);
      }
      if (entry !== undefined) onSealed(entry);
    } catch (error) {
      for (const entry of group.entries) this.#return(entry);
      if (!signal.aborted) this.rest('unwritable', asFault(error), REST_MS);
    }
    this.#writing = undefined;
    this.#next();
    onWork();
  }
}
