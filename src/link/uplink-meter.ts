// Measures the found link: adds up its carriers' counters. In the sending thread, some 50 µs each time.
import { readFileSync } from 'node:fs';
import { SYS_CLASS_NET } from './interface-tree.ts';
import type { Carrier, UplinkIdentity } from './link-finder.ts';
import { Meter, type Sample } from './meter.ts';
import { type Count, WireBytes } from './wire-bytes.ts';

export type MeasuredLink = Pick<UplinkIdentity, 'name' | 'carriers' | 'segment'>;

/** Throws what the file system throws when the interface is gone. */
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

/** Wire bytes of a body byte that the governor reckons with: 66 bytes of headers for 1,448. */
const USUAL_OVERHEAD = 1 + 66 / 1_448;

export class UplinkMeter {
  readonly #onMeasurable: (problem: string | undefined) => void;
  readonly #read: ReadCount;
  readonly #meter = new Meter();
  #link: MeasuredLink;
  #counted: readonly Counted[] = [];
  #problem: string | undefined;

  /** `onMeasurable` hears when the link cannot be measured (a reason) and when it can be again (undefined). */
  constructor(link: MeasuredLink, onMeasurable: (problem: string | undefined) => void, read = readCount) {
    this.#link = link;
    this.#onMeasurable = onMeasurable;
    this.#read = read;
    this.#restart();
  }

  /** Measures that link from now on. */
  follow(link: MeasuredLink): void {
    const keys = ({ carriers, segment }: MeasuredLink) => JSON.stringify([carriers, segment]);
    const isSame = keys(this.#link) === keys(link);
    this.#link = link;
    if (!isSame) this.#restart();
  }

  /** What left since the last call, of which `ownBytes` were ours, headers not counted. Throws nothing. */
  measure(nowMs: number, ownBytes: number): Sample | { readonly kind: 'none' | 'lost' } {
    const { name } = this.#link;
    let wireBytes: number;
    try {
      wireBytes = this.#wireBytes() ?? this.#anew();
    } catch (error) {
      this.#restart();
      return this.#lose(
        `cannot read the counter of ${name}: ${error instanceof Error ? error.message : error}`,
      );
    }
    const reading = this.#meter.read(nowMs, wireBytes, ownBytes);
    if (reading.kind === 'stuck')
      return this.#lose(`the counter of ${name} stands still while files are sent`);
    if (reading.kind !== 'sample') return reading;
    this.#find();
    return { ...reading, ownBytes: reading.ownBytes * this.#ownScale };
  }

  #wireBytes(): number | undefined {
    const all = this.#counted.map(({ name, wire }) => wire.read(this.#read(name)));
    return all.every((one) => one !== undefined) ? all.reduce((sum, one) => sum + one, 0) : undefined;
  }

  /** A counter was reset: another one begins. */
  #anew(): number {
    this.#restart();
    return this.#wireBytes() ?? 0;
  }

  /** In a tunnel or over IPv6 our bytes have longer headers than the governor reckons with; they are no others' traffic. */
  get #ownScale(): number {
    const { payloadBytes, headerBytes } = this.#link.segment;
    return (1 + headerBytes / payloadBytes) / USUAL_OVERHEAD;
  }

  #restart(): void {
    const { carriers, segment } = this.#link;
    this.#counted = carriers.map((carrier) => ({ ...carrier, wire: new WireBytes(segment) }));
    this.#meter.forget();
  }

  #lose(problem: string): { kind: 'lost' } {
    if (this.#problem === undefined) this.#onMeasurable(problem);
    this.#problem = problem;
    return { kind: 'lost' };
  }

  #find(): void {
    if (this.#problem !== undefined) this.#onMeasurable(undefined);
    this.#problem = undefined;
  }
}
