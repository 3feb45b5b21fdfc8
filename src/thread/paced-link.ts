// Joins the link and the pacing, which know nothing of each other: uplink meter → governor →
// shaper.

import type { PageReading } from '../link/page-counter.ts';
import type { UplinkIdentity } from '../link/uplink-identity.ts';
import { UplinkMeter, type UplinkMeterPorts } from '../link/uplink-meter.ts';
import { Governor, type PaceView } from '../pace/governor.ts';
import { type Allowance, ratesOn } from '../pace/link-rates.ts';
import { Regulator } from '../pace/regulator.ts';
import { Shaper, type ShaperActivity } from '../pace/shaper.ts';
import type { Clock } from '../system/clock.ts';
import { Deliveries } from '../transport/deliveries.ts';
import { readSendQueues } from '../transport/send-queues.ts';

export interface PacedLinkOptions {
  readonly link: UplinkIdentity;
  readonly allowance: Allowance;
  readonly sampleIntervalMs: number;
}

export interface PacedLinkPorts extends UplinkMeterPorts {
  onTick(activity: ShaperActivity, elapsedMs: number): void;
}

/**
 * Measures one link and paces what is sent over it. Everything runs in the sending thread, on the
 * monotonic clock.
 */
export class PacedLink {
  readonly shaper: Shaper;
  readonly deliveries: Deliveries;
  readonly #governor: Governor;
  readonly #meter: UplinkMeter;
  readonly #regulator: Regulator;
  #options: PacedLinkOptions;

  constructor(clock: Clock, options: PacedLinkOptions, ports: PacedLinkPorts) {
    this.#options = options;
    this.#meter = new UplinkMeter(options.link, ports);
    this.#governor = new Governor(limitsOf(options));
    const shaper = new Shaper(clock, this.#governor.budgetBytesPerSec);
    this.shaper = shaper;
    const onRoom = () => shaper.roomChanged();
    const deliveries = new Deliveries({ clock, read: readSendQueues, onRoom });
    this.deliveries = deliveries;
    shaper.hasRoom = () => deliveries.hasRoom;
    this.#regulator = new Regulator({
      clock,
      shaper: this.shaper,
      governor: this.#governor,
      measure: (nowMs, ownBytes) => this.#meter.measure(nowMs, ownBytes),
      sampleIntervalMs: options.sampleIntervalMs,
      onTick: (activity, elapsedMs) => {
        deliveries.tick({ isHeldBack: shaper.isHeldBack, isWaiting: shaper.isWaiting });
        ports.onTick(activity, elapsedMs);
      },
    });
  }

  /** The governor's state after the last tick. */
  get pace(): PaceView {
    const { rates, limits, budgetBytesPerSec, floorEngaged, degraded } = this.#governor;
    return { rates, limits, budgetBytesPerSec, floorEngaged, degraded };
  }

  /** Starts measuring. */
  start(): void {
    this.#regulator.start();
  }

  stop(): void {
    this.#regulator.stop();
  }

  /** What the page of `link.counter` shows now. */
  show(reading: PageReading): void {
    this.#meter.show(reading);
  }

  /** The new options are in force when this returns. */
  configure(options: PacedLinkOptions): void {
    this.#regulator.setSampleInterval(options.sampleIntervalMs);
    // What has been sent so far is compared with the old target.
    this.#regulator.tick();
    this.#meter.follow(options.link);
    this.#setOptions(options);
  }

  /** Another share of the same link. It is in force when this returns. */
  allow(allowance: Allowance): void {
    this.#regulator.tick();
    this.#setOptions({ ...this.#options, allowance });
  }

  #setOptions(options: PacedLinkOptions): void {
    this.#options = options;
    this.#governor.setLimits(limitsOf(options));
    this.#regulator.tick();
  }
}

function limitsOf({ link, allowance }: PacedLinkOptions) {
  return ratesOn(link.capacityBitsPerSec, allowance);
}
