// Which share holds now, and whether halfpipe is paused: a pause comes before an operator's share,
// that before the timetable, and that before link.share.
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import { type Orders, readOrders, standing, writeOrders } from './orders.ts';
import type { Steered } from './steered.ts';
import type { SteeringEvent } from './steering-event.ts';
import { scheduledShare, type Timetable } from './timetable.ts';

export interface SteeringSettings {
  /** 0 < share ≤ 1. It holds while nothing else does. */
  readonly share: number;
  readonly timetable: Timetable;
}

export interface SteeringPorts {
  readonly clock: Clock;
  /** Where orders are kept for the next start. */
  readonly memory: {
    /** Resolves with undefined if nothing is kept. */
    load(): Promise<string | undefined>;
    save(text: string): Promise<void>;
  };
  /** Another share holds from now on. */
  readonly onShare: () => void;
  /** A pause has begun (true) or ended. */
  readonly onPause: (isPaused: boolean) => void;
  readonly onEvent: (event: SteeringEvent) => void;
}

/** Wall time can jump, so it is looked at this often instead of being waited for. */
const LOOK_MS = 1_000;
const COMING_MS = 7 * 86_400_000;
const COMING_MAX = 32;

/**
 * Keeps the orders of operators until they end, across restarts. load() must come first. Orders are
 * in force when their method returns; its promise rejects with the error of the memory if they
 * could not be kept for the next start.
 */
export class Steering {
  readonly #ports: SteeringPorts;
  readonly #looks: Repeat;
  #settings: SteeringSettings;
  #orders: Orders = {};
  /** Resolves when the last order has been kept, or could not be. */
  #kept: Promise<void> = Promise.resolve();
  #now: Steered;

  constructor(settings: SteeringSettings, ports: SteeringPorts) {
    this.#settings = settings;
    this.#ports = ports;
    this.#looks = new Repeat(ports.clock, () => this.#look(), LOOK_MS);
    this.#now = this.#steered();
  }

  /** What holds now. */
  get now(): Steered {
    return this.#now;
  }

  /**
   * Brings back the orders of an earlier process. Neither onShare nor onPause is called. Rejects
   * with the error of the memory.
   */
  async load(): Promise<void> {
    const { clock, memory, onEvent } = this.#ports;
    const before = this.#now;
    this.#orders = standing(readOrders((await memory.load()) ?? ''), clock.wallMs());
    this.#now = this.#steered();
    if (this.#now.paused !== null || this.#now.shareFrom === 'command')
      onEvent({ kind: 'steered', now: this.#now, before });
  }

  start(): void {
    this.#looks.startNow();
  }

  stop(): void {
    void this.#looks.stop();
  }

  /**
   * What will hold in the coming week, as far as it is known; `fromMs` counts from now. A share of
   * 0 is a pause. The first is what holds now.
   */
  coming(): { readonly fromMs: number; readonly share: number }[] {
    const nowMs = this.#ports.clock.wallMs();
    const steps: { fromMs: number; share: number }[] = [];
    let atMs: number | undefined = nowMs;
    while (atMs !== undefined && atMs < nowMs + COMING_MS && steps.length < COMING_MAX) {
      const { paused, share, shareUntilMs } = this.#steered(this.#settings, atMs);
      steps.push({ fromMs: atMs - nowMs, share: paused === null ? share : 0 });
      const ends = [paused?.untilMs, shareUntilMs].filter((endMs) => endMs != null);
      atMs = ends.length === 0 ? undefined : Math.min(...ends);
    }
    return steps;
  }

  /** The share that would hold now with these settings. */
  shareUnder(settings: SteeringSettings): number {
    return this.#steered(settings).share;
  }

  setSettings(settings: SteeringSettings): void {
    this.#settings = settings;
    this.#look();
  }

  /** `forMs` undefined: until resume(). */
  pause(forMs?: number): Promise<void> {
    return this.#order({ ...this.#orders, pause: { untilMs: this.#end(forMs) } });
  }

  resume(): Promise<void> {
    const { pause: _, ...others } = this.#orders;
    return this.#order(others);
  }

  /** 0 < share ≤ 1. `forMs` undefined: until another order. */
  setShare(share: number, forMs?: number): Promise<void> {
    return this.#order({ ...this.#orders, share: { share, untilMs: this.#end(forMs) } });
  }

  /** The timetable and the settings decide again. */
  clearShare(): Promise<void> {
    const { share: _, ...others } = this.#orders;
    return this.#order(others);
  }

  async #order(orders: Orders): Promise<void> {
    this.#orders = orders;
    this.#look();
    // One after the other, each with all that holds by then, so that the last order is kept.
    const kept = this.#kept.then(() => this.#ports.memory.save(writeOrders(this.#orders)));
    this.#kept = kept.catch(() => undefined);
    await kept;
  }

  #look(): void {
    const { clock, onShare, onPause, onEvent } = this.#ports;
    this.#orders = standing(this.#orders, clock.wallMs());
    const before = this.#now;
    const now = this.#steered();
    this.#now = now;
    if (JSON.stringify(now) === JSON.stringify(before)) return;
    const isPaused = now.paused !== null;
    onEvent({ kind: 'steered', now, before });
    if (now.share !== before.share) onShare();
    if (isPaused !== (before.paused !== null)) onPause(isPaused);
  }

  #steered({ share, timetable } = this.#settings, wallMs = this.#ports.clock.wallMs()): Steered {
    const { pause: paused = null, share: ordered } = standing(this.#orders, wallMs);
    if (ordered !== undefined)
      return { paused, share: ordered.share, shareFrom: 'command', shareUntilMs: ordered.untilMs };
    const scheduled = scheduledShare(timetable, wallMs);
    return {
      paused,
      share: scheduled.share ?? share,
      shareFrom: scheduled.share === undefined ? 'config' : 'timetable',
      shareUntilMs: scheduled.untilMs ?? null,
    };
  }

  #end(forMs: number | undefined): number | null {
    return forMs === undefined ? null : this.#ports.clock.wallMs() + forMs;
  }
}
