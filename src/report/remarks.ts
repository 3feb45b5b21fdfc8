// What listeners alone know of things that last: files that cannot be put back, refused reloads.
import { isPacket } from '../packets/packet.ts';
import type { RestReason } from '../packets/packet-event.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import type { DaemonEvent } from './daemon-event.ts';

/** An attempt is reported every second, so a file that was not reported for this long is saved. */
const UNSAVED_MS = 5_000;

export interface RestingPacking {
  readonly why: RestReason;
  readonly fault: Fault;
  /** When packets are tried again, by the monotonic clock. */
  readonly nextTryAtMs: number;
}

export interface UnsavedFile {
  readonly path: string;
  readonly message: string;
}

/**
 * Hears events, and tells what still holds. Monotonic clock. Memory is bounded by what is unsaved.
 */
export class Remarks {
  readonly #clock: Clock;
  readonly #unsaved = new Map<string, UnsavedFile & { readonly untilMs: number }>();
  #refusedReload: string | undefined;
  #unkeptOrder: string | undefined;
  #unobserved: unknown;
  #restingPacking: (RestingPacking & { readonly untilMs: number }) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why the last reload was refused; undefined if it was not. */
  get refusedReload(): string | undefined {
    return this.#refusedReload;
  }

  /** Why the last order could not be kept; undefined if it was. */
  get unkeptOrder(): string | undefined {
    return this.#unkeptOrder;
  }

  /** Why observers are not served as configured; undefined if they are. */
  get unobserved(): unknown {
    return this.#unobserved;
  }

  /** Why no packet is made; undefined if packets are, or none is wanted. */
  get restingPacking(): RestingPacking | undefined {
    const resting = this.#restingPacking;
    return resting !== undefined && this.#clock.monotonicMs() <= resting.untilMs ? resting : undefined;
  }

  /** Files whose content was written to during their removal, and is not back in the spool yet. */
  get unsaved(): readonly UnsavedFile[] {
    const nowMs = this.#clock.monotonicMs();
    for (const [id, { untilMs }] of this.#unsaved) if (nowMs > untilMs) this.#unsaved.delete(id);
    return [...this.#unsaved.values()];
  }

  readonly hear = (event: DaemonEvent): void => {
    switch (event.kind) {
      case 'unsaved': {
        const untilMs = this.#clock.monotonicMs() + UNSAVED_MS;
        this.#keep(event.path, event.fault, untilMs);
        return;
      }
      case 'lateWrite':
        if (event.problem === undefined) this.#unsaved.delete(event.path.id);
        else this.#keep(event.path, event.problem, Number.POSITIVE_INFINITY);
        return;
      case 'reloaded':
        this.#refusedReload = undefined;
        this.#restingPacking = undefined;
        return;
      case 'packingRests': {
        const nextTryAtMs = this.#clock.monotonicMs() + event.forMs;
        // Files for the next attempt may be long in coming.
        const untilMs = nextTryAtMs + event.forMs;
        this.#restingPacking = { why: event.why, fault: event.fault, nextTryAtMs, untilMs };
        return;
      }
      case 'packed':
        if (this.#restingPacking?.why === 'unwritable') this.#restingPacking = undefined;
        return;
      case 'uploaded':
        if (isPacket(event.entry)) this.#restingPacking = undefined;
        return;
      case 'reloadRefused':
        this.#refusedReload = event.problem;
        return;
      case 'observing':
        this.#unobserved = undefined;
        return;
      case 'observeDown':
        this.#unobserved = event.error;
        return;
      case 'orderKept':
        this.#unkeptOrder = event.problem;
        return;
    }
  };

  #keep(path: { readonly id: string }, problem: unknown, untilMs: number): void {
    const message = problem instanceof Error ? problem.message : String(problem);
    this.#unsaved.set(path.id, { path: `${path}`, message, untilMs });
  }
}
