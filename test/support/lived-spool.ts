// A spool, a link and a drain, second by second, as the outlook sees them: to compare what was foretold with what came.
import { Outlook, type OutlookMoment } from '../../src/outlook/outlook.ts';
import type { ShareStep } from '../../src/outlook/tempo.ts';
import type { FlowView, ForecastView } from '../../src/view/backlog-view.ts';

export interface Dropped {
  readonly files: number;
  readonly sizeBytes: number;
}

export interface Life {
  /** What arrives in this second. */
  readonly arrivals: (second: number) => readonly Dropped[];
  /** Wire bytes a second. */
  readonly capacityBytesPerSec?: number;
  readonly share?: (second: number) => number;
  /** Shares that are known to come, from `second` on. Default: the present one stays. */
  readonly known?: (second: number) => readonly ShareStep[];
  readonly cross?: (second: number) => number;
  /** How long a file takes at least, over all uploads at once. */
  readonly fileMs?: number;
  /** The line takes only so much. */
  readonly lineBytesPerSec?: number;
  readonly paused?: (second: number) => boolean;
  /** What fails after it was sent. */
  readonly fails?: (second: number) => boolean;
  readonly diskBytes?: number;
  /** Scans count the spool this often; 0: events tell at once. */
  readonly scanSeconds?: number;
  readonly deferred?: (second: number) => number;
  readonly unsettled?: (second: number) => number;
}

/** What was there at the end of a second. */
export interface Lived {
  readonly second: number;
  readonly files: number;
  readonly bytes: number;
}

/** What was said of it. */
export interface Said extends Lived {
  readonly forecast: ForecastView;
  readonly flow: FlowView;
}

/** Wire bytes for a byte of content. */
const WIRE = 1.05;
export const CAPACITY = 1_000_000;
/** By these settings, a drain that has the line for itself sends this many bytes of content a second. */
export const FULL_RATE = (CAPACITY * 0.5) / WIRE;

/** The drain has as many files at hand at once. */
const IN_FLIGHT = 4;

interface Batch {
  files: number;
  readonly sizeBytes: number;
}

export class LivedSpool {
  readonly outlook = new Outlook();
  readonly #life: Life;
  readonly #queue: Batch[] = [];
  #second = -1;
  /** Of the first file. */
  #sentBytes = 0;
  #arrived = { files: 0, bytes: 0 };
  #drained = { files: 0, bytes: 0 };
  #counted = { files: 0, bytes: 0, scans: 1 };
  #link = { ownBytes: 0, crossBytes: 0, roomBytes: 0, linkMs: 0 };
  /** Since when the target is what it is. */
  #target = { bytesPerSec: 0, sinceSecond: 0 };

  constructor(life: Life) {
    this.#life = life;
  }

  get files(): number {
    return this.#arrived.files - this.#drained.files;
  }

  /** Lets a second pass. */
  next(): Said {
    const lived = this.pass();
    const { forecast, flow } = this.outlook.view(lived.second * 1_000, lived.second * 1_000);
    return { ...lived, forecast, flow };
  }

  /** Lets a second pass, and asks for no forecast. */
  pass(): Lived {
    this.#second += 1;
    const second = this.#second;
    for (const dropped of this.#life.arrivals(second)) this.#drop(dropped);
    const drainedFiles = this.#drained.files;
    if (second > 0) this.#drain(second);
    const isWorking =
      !(this.#life.paused?.(second) ?? false) &&
      (this.files > IN_FLIGHT || (this.#drained.files === drainedFiles && this.files > 0));
    this.#count(second);
    this.outlook.observe(second * 1_000, this.#moment(second, isWorking));
    return { second, files: this.files, bytes: this.#arrived.bytes - this.#drained.bytes };
  }

  #drop({ files, sizeBytes }: Dropped): void {
    if (files === 0) return;
    const last = this.#queue.at(-1);
    if (last?.sizeBytes === sizeBytes) last.files += files;
    else this.#queue.push({ files, sizeBytes });
    this.#arrived = {
      files: this.#arrived.files + files,
      bytes: this.#arrived.bytes + files * sizeBytes,
    };
  }

  #drain(second: number): void {
    const { paused, fails, cross, lineBytesPerSec = Number.POSITIVE_INFINITY } = this.#life;
    const crossBytes = cross?.(second) ?? 0;
    const target = this.#capacity * this.#share(second);
    const room = Math.max(CAPACITY / 100, target - crossBytes);
    const rate = Math.min(room, lineBytesPerSec) / WIRE;
    const sent = paused?.(second) ? 0 : this.#send(1_000, rate, fails?.(second) ?? false);
    this.#link = {
      ownBytes: this.#link.ownBytes + sent * WIRE,
      crossBytes: this.#link.crossBytes + crossBytes,
      roomBytes: this.#link.roomBytes + room,
      linkMs: this.#link.linkMs + 1_000,
    };
  }

  /** Sends for `ms`, and gives the bytes. */
  #send(ms: number, rate: number, fails: boolean): number {
    const { fileMs = 0 } = this.#life;
    let [left, sent] = [ms, 0];
    while (left > 1e-9) {
      const batch = this.#queue[0];
      if (batch === undefined) break;
      if (this.#sentBytes === 0 && !fails) {
        const eachMs = Math.max(fileMs, (batch.sizeBytes * 1_000) / rate);
        const whole = Math.min(batch.files, Math.floor(left / eachMs));
        sent += whole * batch.sizeBytes;
        left -= whole * eachMs;
        this.#done(batch, whole);
        if (batch.files === 0) continue;
        if (eachMs <= left) continue;
      }
      const part = Math.min(batch.sizeBytes - this.#sentBytes, (rate * left) / 1_000);
      this.#sentBytes += part;
      sent += part;
      left -= batch.sizeBytes > 0 && rate > 0 ? Math.max(1e-6, (part * 1_000) / rate) : left;
      if (fails) this.#sentBytes = 0;
      else if (this.#sentBytes >= batch.sizeBytes && batch.sizeBytes > 0) {
        this.#sentBytes = 0;
        this.#done(batch, 1);
      }
    }
    return sent;
  }

  #done(batch: Batch, files: number): void {
    batch.files -= files;
    if (batch.files === 0) this.#queue.shift();
    this.#drained = {
      files: this.#drained.files + files,
      bytes: this.#drained.bytes + files * batch.sizeBytes,
    };
  }

  #count(second: number): void {
    const { scanSeconds = 0 } = this.#life;
    if (scanSeconds > 0 && second % scanSeconds > 0) return;
    this.#counted = { ...this.#arrived, scans: this.#counted.scans + 1 };
  }

  #moment(second: number, isWorking: boolean): OutlookMoment {
    const { diskBytes, paused, known, scanSeconds = 0, deferred, unsettled, lineBytesPerSec } = this.#life;
    const share = this.#share(second);
    const targetBytesPerSec = this.#capacity * share;
    if (this.#target.bytesPerSec !== targetBytesPerSec)
      this.#target = { bytesPerSec: targetBytesPerSec, sinceSecond: second };
    const drainedBytes = this.#drained.bytes + this.#sentBytes;
    const usedBytes = this.#arrived.bytes - this.#drained.bytes;
    return {
      counts: {
        arrivedFiles: this.#counted.files,
        arrivedBytes: this.#counted.bytes,
        drainedFiles: this.#drained.files,
        drainedBytes,
        ...this.#link,
        usedBytes,
      },
      isWorking,
      scans: this.#counted.scans,
      watched: scanSeconds === 0,
      waiting: {
        files: Math.max(0, this.#counted.files - this.#drained.files),
        bytes: Math.max(0, this.#counted.bytes - drainedBytes),
        free: diskBytes === undefined ? undefined : { bytes: diskBytes - usedBytes, files: undefined },
      },
      deferred: deferred?.(second) ?? 0,
      unsettled: unsettled?.(second) ?? 0,
      isPaused: paused?.(second) ?? false,
      allowed: {
        targetBytesPerSec,
        floorBytesPerSec: CAPACITY / 100,
        shares: known?.(second) ?? [{ fromMs: 0, share }],
        isSlow: lineBytesPerSec !== undefined,
        steadyMs: (second - this.#target.sinceSecond) * 1_000,
      },
    };
  }

  get #capacity(): number {
    return this.#life.capacityBytesPerSec ?? CAPACITY;
  }

  #share(second: number): number {
    return this.#life.share?.(second) ?? 0.5;
  }
}

/** Everything that was said in `seconds`. */
export function lived(life: Life, seconds: number): Said[] {
  const spool = new LivedSpool(life);
  return Array.from({ length: seconds }, () => spool.next());
}

/** The verdicts in their order, each with its first second. */
export function verdicts(said: readonly Said[]): string[] {
  return said
    .filter(({ forecast }, index) => forecast.verdict !== said[index - 1]?.forecast.verdict)
    .map(({ second, forecast }) => `${second} ${forecast.verdict}`);
}
