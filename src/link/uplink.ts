// The link over time. Runs in the main thread, because finding the link starts other programs and
// looks up names; the sending thread gets the result.

import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { Repeat } from '../system/repeat.ts';
import { CAPACITY_UNKNOWN } from './capacity.ts';
import type { LinkEvent } from './link-event.ts';
import { LinkFinder } from './link-finder.ts';
import { SeenCapacity } from './seen-capacity.ts';
import type { UplinkIdentity, UplinkOptions } from './uplink-identity.ts';

export interface UplinkPorts {
  /** The first link, another link, or another capacity, from now on. */
  onChange(identity: UplinkIdentity): void;
  /** The link can never be known without another config. Only before the first link. */
  onHopeless(fault: Fault): void;
  /** A route, an address or an interface appeared or disappeared. */
  onNetworkChange(): void;
  /** Every second while there is no link. */
  onStillWaiting(): void;
  onEvent(event: LinkEvent): void;
}

/** How often the routing tables and the interfaces' state are read, which takes about 100 µs. */
const LOOK_MS = 1_000;
/**
 * How often the link is searched for, because our tables do not show everything: policy rules, a
 * name's other addresses, a bridge's neighbours.
 */
const FIND_MS = 15_000;
const FIND_WHILE_WAITING_MS = 5_000;
/** A name that does not resolve delays the start no longer than this. */
const FIRST_FIND_MS = 3_000;
/** A link that is not found for this time is worth a log line. */
const UNSURE_MS = 5_000;

/**
 * Waits for the link, looks every second whether the network has changed, and follows the link when
 * its route moves. Monotonic clock.
 */
export class Uplink {
  readonly #clock: Clock;
  readonly #ports: UplinkPorts;
  readonly #finder: Pick<LinkFinder, 'find' | 'networkState'>;
  #options: UplinkOptions;
  readonly #seen: SeenCapacity;
  #identity: UplinkIdentity | undefined;
  /** Found once. It is adopted when it is found again. */
  #candidate: UplinkIdentity | undefined;
  #waitingFor: Fault | undefined;
  #missingSinceMs: number | undefined;
  #isUnsure = false;
  #networkState = '';
  #foundAtMs = 0;
  #finding: Promise<void> | undefined;
  readonly #looks: Repeat;

  constructor(
    clock: Clock,
    options: UplinkOptions,
    ports: UplinkPorts,
    finder: Pick<LinkFinder, 'find' | 'networkState'> = new LinkFinder(),
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#seen = new SeenCapacity(options.capacity);
    this.#ports = ports;
    this.#finder = finder;
    this.#looks = new Repeat(clock, () => this.#look(), LOOK_MS);
  }

  get identity(): UplinkIdentity | undefined {
    return this.#identity;
  }

  /** Why there is no link yet. */
  get waitingFor(): Fault | undefined {
    return this.#identity === undefined ? this.#waitingFor : undefined;
  }

  /** True if the capacity is not known for this very line. */
  get isAssumed(): boolean {
    return this.#identity !== undefined && this.#seen.isAssumed(this.#identity);
  }

  /**
   * The line took this much while more was waiting. If nothing better is known, this counts as its
   * capacity.
   */
  took(bitsPerSec: number): void {
    if (this.#identity === undefined || !this.isAssumed) return;
    this.#seen.see(this.#identity, bitsPerSec, this.#clock.monotonicMs());
    this.#adopt(this.#applied(this.#seen.assumedOf(this.#identity)));
  }

  /**
   * Looks for the link for at most 3 s, and then every second in the background. Rejects with a
   * Fault when only another config leads to a link.
   */
  async start(): Promise<void> {
    this.#networkState = this.#finder.networkState(this.#options);
    await new Promise<void>((resolve) => {
      const giveUp = this.#clock.schedule(FIRST_FIND_MS, resolve);
      void this.#find().then(giveUp).then(resolve);
    });
    const fault = this.#waitingFor ?? stillLookingFault(this.#options);
    if (this.#identity === undefined && fault.code === CAPACITY_UNKNOWN) throw fault;
    this.#looks.start();
    this.#waitingFor = undefined;
    if (this.#identity === undefined) this.#wait(fault);
  }

  stop(): void {
    void this.#looks.stop();
  }

  /**
   * Resolves when the new options are in force. Rejects with a Fault and changes nothing when they
   * never lead to a link, or do not now although there is one.
   */
  async reconfigure(options: UplinkOptions): Promise<void> {
    await this.#finding;
    const before = this.#options;
    const sameWay = !isDifferent(wayOf(before), wayOf(options));
    try {
      const found = await this.#finder.find(options);
      if (isDifferent(before.capacity, options.capacity)) this.#seen.reset(options.capacity);
      this.#adopt(this.#applied(found));
    } catch (error) {
      const fault = faultOf(error);
      const mayWait = this.#identity === undefined || sameWay;
      if (!mayWait || fault.code === CAPACITY_UNKNOWN) throw fault;
      if (this.#identity === undefined) this.#wait(fault);
      else if (typeof options.capacity === 'number') this.#setCapacity(options.capacity);
    }
    this.#options = options;
  }

  /** The network is down, but a new number for the capacity needs no network. */
  #setCapacity(capacityBitsPerSec: number): void {
    if (this.#identity === undefined) return;
    this.#seen.reset(capacityBitsPerSec);
    this.#adopt(this.#applied({ ...this.#identity, capacityBitsPerSec, capacityFrom: 'link.capacity' }));
  }

  #look(): void {
    if (this.#identity === undefined) this.#ports.onStillWaiting();
    const state = this.#finder.networkState(this.#options, this.#identity);
    const changed = state !== this.#networkState;
    this.#networkState = state;
    if (changed) this.#ports.onNetworkChange();
    const settled =
      this.#identity !== undefined && !this.#identity.isGuess && this.#missingSinceMs === undefined;
    const periodMs = settled ? FIND_MS : FIND_WHILE_WAITING_MS;
    const due = this.#clock.monotonicMs() - this.#foundAtMs >= periodMs;
    if (changed || due || this.#candidate !== undefined) void this.#find();
  }

  /** One search at a time, because a name look-up may take half a minute. */
  #find(): Promise<void> {
    this.#finding ??= this.#findOnce().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async #findOnce(): Promise<void> {
    this.#foundAtMs = this.#clock.monotonicMs();
    const options = this.#options;
    try {
      const present = this.#identity && this.#seen.assumedOf(this.#identity);
      const found = await this.#finder.find(options, present);
      if (options === this.#options) this.#consider(this.#applied(found));
    } catch (error) {
      if (options === this.#options) this.#miss(faultOf(error));
    }
  }

  /**
   * The first link is adopted at once, another one when it is found twice: routes flap while a
   * network comes up.
   */
  #consider(found: UplinkIdentity): void {
    this.#missingSinceMs = undefined;
    if (this.#isUnsure) this.#ports.onEvent({ kind: 'linkUnsure', reason: undefined });
    this.#isUnsure = false;
    const before = this.#identity;
    // The name resolves at last. What failed because it did not can be tried now.
    if (before?.isGuess === true && !found.isGuess) this.#ports.onNetworkChange();
    if (before !== undefined && isSame(found, before)) this.#identity = found;
    const isConfirmed = this.#candidate !== undefined && isSame(found, this.#candidate);
    if (this.#identity === undefined || isConfirmed) return this.#adopt(found);
    this.#candidate = isSame(found, this.#identity) ? undefined : found;
  }

  #adopt(found: UplinkIdentity): void {
    const before = this.#identity;
    this.#candidate = undefined;
    this.#identity = found;
    this.#networkState = this.#finder.networkState(this.#options, found);
    if (before === undefined || !isSame(before, found)) this.#ports.onChange(found);
  }

  #applied(found: UplinkIdentity): UplinkIdentity {
    return this.#seen.appliedTo(found, this.#clock.monotonicMs());
  }

  #miss(fault: Fault): void {
    if (this.#identity === undefined) return this.#wait(fault);
    const nowMs = this.#clock.monotonicMs();
    this.#missingSinceMs ??= nowMs;
    if (this.#isUnsure || nowMs - this.#missingSinceMs < UNSURE_MS) return;
    this.#isUnsure = true;
    this.#ports.onEvent({ kind: 'linkUnsure', reason: fault.message });
  }

  #wait(fault: Fault): void {
    const isNews = this.#waitingFor?.message !== fault.message;
    this.#waitingFor = fault;
    // start() reports what the first look finds.
    if (!isNews || !this.#looks.isStarted) return;
    if (fault.code === CAPACITY_UNKNOWN) this.#ports.onHopeless(fault);
    else this.#ports.onEvent({ kind: 'waitingForLink', fault });
  }
}

function wayOf({ interface: name, endpoint }: UplinkOptions): unknown {
  return { name, endpoint };
}

function isDifferent(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

function isSame(one: UplinkIdentity, other: UplinkIdentity): boolean {
  const known = (identity: UplinkIdentity) => JSON.stringify({ ...identity, isGuess: false });
  return known(one) === known(other);
}

function stillLookingFault({ endpoint }: UplinkOptions): Fault {
  return new Fault('transient', `${endpoint.host} does not resolve yet`, {
    operation: 'find the link',
    subject: endpoint.host,
    hint: 'Is the name server reachable?',
    code: 'LOOKUP_PENDING',
  });
}

function faultOf(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Fault('transient', message, { operation: 'find the link', subject: 'link', cause: error });
}
