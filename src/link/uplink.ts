// The link: which interface it is, what it can carry, and what it sends. Re-checks itself now and then and whenever the
// measurement fails, since routes move and interfaces vanish and return.
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { Meter, type Sample } from './meter.ts';
import { driverSpeed, readInterfaceIndex, readTxBytes } from './network-interface.ts';
import { type Endpoint, interfaceTowards } from './route.ts';

export interface UplinkOptions {
  /** `auto`: the interface of the route to the endpoint. */
  readonly interface: string;
  /** `auto`: what the driver says. */
  readonly capacityBitsPerSec: number | 'auto';
  readonly endpoint: Endpoint;
}

/** Where the link's facts come from; the real one is below, tests have their own. */
export interface InterfaceSource {
  towards(endpoint: Endpoint, present?: string): Promise<string>;
  index(name: string): number;
  txBytes(name: string): number;
  driverSpeed(name: string): Promise<number | undefined>;
}

export const systemInterfaces: InterfaceSource = {
  towards: interfaceTowards,
  index: readInterfaceIndex,
  txBytes: readTxBytes,
  driverSpeed,
};

export interface UplinkIdentity {
  readonly name: string;
  readonly index: number;
  readonly capacityBitsPerSec: number;
  readonly capacityFrom: 'link.capacity' | 'driver';
}

export interface UplinkEvents {
  /** Another interface, or another capacity, from now on. */
  onChange(identity: UplinkIdentity): void;
  /** The link cannot be measured (a reason), or can be again (undefined). Once for each change. */
  onMeasurable(problem: string | undefined): void;
}

const RECHECK_MS = 15_000;
/** While the link cannot be measured it is looked for more often. */
const RECHECK_LOST_MS = 1_000;

export class Uplink {
  readonly #clock: Clock;
  readonly #source: InterfaceSource;
  readonly #events: UplinkEvents;
  readonly #meter = new Meter();
  #options: UplinkOptions;
  #identity: UplinkIdentity | undefined;
  #problem: string | undefined;
  #cancelRecheck: (() => void) | undefined;
  #running = false;

  constructor(clock: Clock, options: UplinkOptions, events: UplinkEvents, source = systemInterfaces) {
    this.#clock = clock;
    this.#options = options;
    this.#events = events;
    this.#source = source;
  }

  /** Finds interface and capacity. Rejects with a Fault that names the key to set. */
  async start(): Promise<UplinkIdentity> {
    this.#identity = await identify(this.#options, this.#source);
    this.#running = true;
    this.#scheduleRecheck();
    return this.#identity;
  }

  stop(): void {
    this.#running = false;
    this.#cancelRecheck?.();
  }

  /** In force when the promise resolves; rejects, and keeps what was, when the new options lead to no link. */
  async reconfigure(options: UplinkOptions): Promise<void> {
    this.#adopt(await identify(options, this.#source, this.#identity?.name));
    this.#options = options;
  }

  /** For the regulator: what left since the last call, of which `ownBytes` were ours. */
  measure(nowMs: number, ownBytes: number): Sample | { readonly kind: 'none' | 'lost' } {
    if (this.#identity === undefined) return { kind: 'lost' };
    let counterBytes: number;
    try {
      counterBytes = this.#source.txBytes(this.#identity.name);
    } catch (error) {
      this.#meter.forget();
      this.#lose(
        `cannot read the counter of ${this.#identity.name}: ${error instanceof Error ? error.message : error}`,
      );
      return { kind: 'lost' };
    }
    const reading = this.#meter.read(nowMs, counterBytes, ownBytes);
    if (reading.kind === 'stuck') {
      this.#lose(`the counter of ${this.#identity.name} stands still while files are sent`);
      return { kind: 'lost' };
    }
    if (reading.kind === 'sample') this.#find();
    return reading;
  }

  #lose(problem: string): void {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    this.#events.onMeasurable(problem);
    this.#scheduleRecheck();
  }

  #find(): void {
    if (this.#problem === undefined) return;
    this.#problem = undefined;
    this.#events.onMeasurable(undefined);
  }

  #scheduleRecheck(): void {
    this.#cancelRecheck?.();
    if (!this.#running) return;
    const inMs = this.#problem === undefined ? RECHECK_MS : RECHECK_LOST_MS;
    this.#cancelRecheck = this.#clock.schedule(inMs, () => void this.#recheck());
  }

  async #recheck(): Promise<void> {
    try {
      this.#adopt(await identify(this.#options, this.#source, this.#identity?.name));
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
    }
    this.#scheduleRecheck();
  }

  #adopt(identity: UplinkIdentity): void {
    const before = this.#identity;
    this.#identity = identity;
    if (before?.name !== identity.name || before.index !== identity.index) this.#meter.forget();
    const changed =
      before?.name !== identity.name || before.capacityBitsPerSec !== identity.capacityBitsPerSec;
    if (changed) this.#events.onChange(identity);
  }
}

async function identify(
  options: UplinkOptions,
  source: InterfaceSource,
  present?: string,
): Promise<UplinkIdentity> {
  const name =
    options.interface === 'auto' ? await source.towards(options.endpoint, present) : options.interface;
  const index = source.index(name);
  if (options.capacityBitsPerSec !== 'auto')
    return { name, index, capacityBitsPerSec: options.capacityBitsPerSec, capacityFrom: 'link.capacity' };
  const speed = await source.driverSpeed(name);
  if (speed === undefined)
    throw new Fault('file', `the capacity of ${name} is unknown: its driver reports no speed`, {
      operation: 'find the capacity',
      subject: name,
      hint: 'Set link.capacity to the uplink\'s rate, for example "link: { capacity: 100 Mbit/s }".',
      code: 'CAPACITY_UNKNOWN',
    });
  return { name, index, capacityBitsPerSec: speed, capacityFrom: 'driver' };
}
