// Measures the found link by its carriers' counters. Runs in the sending thread and takes about 50
// µs each time.

import { readFileSync } from 'node:fs';
import { SYS_CLASS_NET } from './interface-tree.ts';
import { LanTraffic } from './lan-traffic.ts';
import { Meter, type Sample } from './meter.ts';
import type { PageReading } from './page-counter.ts';
import type { Carrier, UplinkIdentity } from './uplink-identity.ts';
import { type Count, WireBytes } from './wire-bytes.ts';

export type MeasuredLink = Pick<
  UplinkIdentity,
  'name' | 'carriers' | 'counter' | 'segment' | 'capacityBitsPerSec'
>;

export interface UplinkMeterPorts {
  /**
   * The link cannot be measured (with the reason), or can be again (undefined). Once for each
   * change.
   */
  onMeasurable(problem: string | undefined): void;
  /** The card has sent more than the line can carry for 3 s. Once for each link. */
  onBeyond(): void;
}

/** Throws the system error when the interface is gone. */
export type ReadCount = (name: string) => Count;

export const readCount: ReadCount = (name) => ({
  bytes: counter(name, 'tx_bytes'),
  packets: counter(name, 'tx_packets'),
});

function counter(name: string, file: string): number {
  return Number(readFileSync(`${SYS_CLASS_NET}/${name}/statistics/${file}`, 'latin1'));
}

interface Counted extends Carrier {
  readonly wire: WireBytes;
}

/** Wire bytes for each body byte, as the governor calculates: 66 bytes of headers for 1,448. */
const USUAL_OVERHEAD = 1 + 66 / 1_448;

/** A copy in the local network of this length is worth a log line. */
const BEYOND_MS = 3_000;

/**
 * Adds up the counters of the carriers, or reads `link.counter`, and returns the part that was on
 * the line. Time is an argument, of the monotonic clock. Nothing throws: a link that cannot be
 * measured is a reading `lost`.
 */
export class UplinkMeter {
  readonly #ports: UplinkMeterPorts;
  readonly #read: ReadCount;
  readonly #meter = new Meter();
  readonly #lan = new LanTraffic();
  #link: MeasuredLink;
  #counted: readonly Counted[] = [];
  #page: PageReading | undefined;
  #problem: string | undefined;
  #beyondMs = 0;

  constructor(link: MeasuredLink, ports: UplinkMeterPorts, read = readCount) {
    this.#link = link;
    this.#ports = ports;
    this.#read = read;
    this.#restart();
  }

  /** Measures `link` from now on. */
  follow(link: MeasuredLink): void {
    const keys = ({ carriers, counter, segment }: MeasuredLink) =>
      JSON.stringify([carriers, counter, segment]);
    const isSame = keys(this.#link) === keys(link);
    this.#link = link;
    if (isSame) return;
    this.#page = undefined;
    this.#beyondMs = 0;
    this.#restart();
  }

  /** What the page of `link.counter` shows now. */
  show(reading: PageReading): void {
    this.#page = reading;
  }

  /** What left since the last call. `ownBytes` of it were ours, without headers. Never throws. */
  measure(nowMs: number, ownBytes: number): Sample | { readonly kind: 'none' | 'lost' } {
    const { name, counter } = this.#link;
    const what = counter === undefined ? `the counter of ${name}` : 'link.counter';
    let counted: number | undefined;
    try {
      counted = this.#count();
    } catch (error) {
      this.#restart();
      return this.#lose(`cannot read ${what}: ${error instanceof Error ? error.message : error}`);
    }
    if (counted === undefined) return { kind: 'none' };
    const reading = this.#meter.read(nowMs, counted, ownBytes);
    if (reading.kind === 'stuck') return this.#lose(`${what} stands still while files are sent`);
    if (reading.kind !== 'sample') return reading;
    this.#find();
    const sample = { ...reading, ownBytes: reading.ownBytes * this.#ownScale };
    return counter === undefined ? this.#onTheLine(sample) : sample;
  }

  #count(): number | undefined {
    const { counter } = this.#link;
    if (counter === undefined) return this.#wireBytes() ?? this.#anew();
    if (counter.kind === 'file') return numberIn(readFileSync(counter.path, 'latin1'));
    if (this.#page !== undefined && 'problem' in this.#page) throw new Error(this.#page.problem);
    return this.#page?.bytes;
  }

  #wireBytes(): number | undefined {
    const all = this.#counted.map(({ name, wire }) => wire.read(this.#read(name)));
    return all.every((one) => one !== undefined) ? all.reduce((sum, one) => sum + one, 0) : undefined;
  }

  /** Begins again after a counter was reset. */
  #anew(): number {
    this.#restart();
    return this.#wireBytes() ?? 0;
  }

  #onTheLine(sample: Sample): Sample {
    const ownWireBytes = sample.ownBytes * USUAL_OVERHEAD;
    const onTheLine = this.#lan.onTheLine(sample, ownWireBytes, this.#link.capacityBitsPerSec);
    const beforeMs = this.#beyondMs;
    if (this.#lan.isBeyond) this.#beyondMs += sample.intervalMs;
    if (beforeMs < BEYOND_MS && this.#beyondMs >= BEYOND_MS) this.#ports.onBeyond();
    return onTheLine;
  }

  /**
   * In a tunnel or over IPv6, our bytes have longer headers than the governor assumes. These
   * headers are not traffic of others.
   */
  get #ownScale(): number {
    const { payloadBytes, headerBytes } = this.#link.segment;
    return (1 + headerBytes / payloadBytes) / USUAL_OVERHEAD;
  }

  #restart(): void {
    const { carriers, segment } = this.#link;
    this.#counted = carriers.map((carrier) => ({ ...carrier, wire: new WireBytes(segment) }));
    this.#meter.forget();
    this.#lan.forget();
  }

  #lose(problem: string): { kind: 'lost' } {
    if (this.#problem === undefined) this.#ports.onMeasurable(problem);
    this.#problem = problem;
    return { kind: 'lost' };
  }

  #find(): void {
    if (this.#problem !== undefined) this.#ports.onMeasurable(undefined);
    this.#problem = undefined;
  }
}

function numberIn(text: string): number {
  const value = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw new Error('the file does not hold a whole number');
  return value;
}
