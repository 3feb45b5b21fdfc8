// The link and what paces it, joined: uplink → meter → governor → shaper; link and pace know nothing of each other.
import { Uplink, type UplinkEvents, type UplinkIdentity, type UplinkOptions } from '../link/uplink.ts';
import { Governor, type PaceView } from '../pace/governor.ts';
import { type Budget, limitsOn } from '../pace/limits.ts';
import { Regulator } from '../pace/regulator.ts';
import { Shaper, type ShaperActivity } from '../pace/shaper.ts';
import type { Clock } from '../system/clock.ts';

export interface PacedLinkOptions {
  readonly uplink: UplinkOptions;
  readonly budget: Budget;
  readonly sampleIntervalMs: number;
}

export interface PacedLinkEvents extends UplinkEvents {
  onTick(activity: ShaperActivity, elapsedMs: number): void;
}

export class PacedLink {
  readonly shaper: Shaper;
  readonly #governor: Governor;
  readonly #uplink: Uplink;
  readonly #regulator: Regulator;
  #options: PacedLinkOptions;
  #identity: UplinkIdentity;

  private constructor(
    clock: Clock,
    options: PacedLinkOptions,
    events: PacedLinkEvents,
    uplink: Uplink,
    identity: UplinkIdentity,
  ) {
    this.#options = options;
    this.#uplink = uplink;
    this.#identity = identity;
    this.#governor = new Governor(this.#limits);
    this.shaper = new Shaper(clock, this.#governor.budgetBytesPerSec);
    this.#regulator = new Regulator({
      clock,
      shaper: this.shaper,
      governor: this.#governor,
      measure: (nowMs, ownBytes) => uplink.measure(nowMs, ownBytes),
      sampleIntervalMs: options.sampleIntervalMs,
      onTick: (activity, elapsedMs) => events.onTick(activity, elapsedMs),
    });
  }

  /** Finds the link. Rejects with a Fault that names the key to set when there is none, or none of known capacity. */
  static async find(clock: Clock, options: PacedLinkOptions, events: PacedLinkEvents): Promise<PacedLink> {
    let link: PacedLink | undefined;
    const uplink = new Uplink(clock, options.uplink, {
      onChange: (identity) => {
        if (link !== undefined) link.#adopt(identity);
        events.onChange(identity);
      },
      onMeasurable: (problem) => events.onMeasurable(problem),
    });
    const identity = await uplink.start();
    events.onChange(identity);
    link = new PacedLink(clock, options, events, uplink, identity);
    return link;
  }

  get identity(): UplinkIdentity {
    return this.#identity;
  }

  /** As of the last tick. */
  get pace(): PaceView {
    const { rates, budgetBytesPerSec, floorEngaged, degraded } = this.#governor;
    return { rates, budgetBytesPerSec, floorEngaged, degraded };
  }

  /** Measures from now on. */
  start(): void {
    this.#regulator.start();
  }

  stop(): void {
    this.#regulator.stop();
    this.#uplink.stop();
  }

  /** In force when it resolves. Rejects, changing nothing, when the new options lead to no link. */
  async reconfigure(options: PacedLinkOptions): Promise<void> {
    await this.#uplink.reconfigure(options.uplink);
    this.#options = options;
    this.#regulator.setSampleInterval(options.sampleIntervalMs);
    this.#applyLimits();
  }

  get #limits() {
    return limitsOn(this.#identity.capacityBitsPerSec, this.#options.budget);
  }

  #adopt(identity: UplinkIdentity): void {
    this.#identity = identity;
    this.#applyLimits();
  }

  #applyLimits(): void {
    // What has left so far is held against the old target.
    this.#regulator.tick();
    this.#governor.setLimits(this.#limits);
    this.#regulator.tick();
  }
}
