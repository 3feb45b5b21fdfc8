// Shows the state where people look: to systemctl every two seconds, and in the log now and then.

import type { SdNotifier } from '../service/sd-notify.ts';
import type { Clock } from '../system/clock.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { unitStatus } from '../view/status-text.ts';
import type { Reporter } from './reporter.ts';

/** What systemctl shows is not older than this. */
const REPORT_MS = 2_000;

export class PeriodicReport {
  readonly #clock: Clock;
  readonly #notifier: Pick<SdNotifier, 'status'>;
  readonly #reporter: Pick<Reporter, 'summarize'>;
  readonly #snapshot: () => Snapshot;
  #cancel: () => void = () => undefined;

  constructor(
    clock: Clock,
    notifier: Pick<SdNotifier, 'status'>,
    reporter: Pick<Reporter, 'summarize'>,
    snapshot: () => Snapshot,
  ) {
    this.#clock = clock;
    this.#notifier = notifier;
    this.#reporter = reporter;
    this.#snapshot = snapshot;
  }

  /** Reports at once, and goes on until `stop`. */
  start(): void {
    const snapshot = this.#snapshot();
    this.#notifier.status(unitStatus(snapshot));
    const working = snapshot.state === 'draining' || snapshot.state === 'paused';
    if (working) this.#reporter.summarize(snapshot);
    this.#cancel = this.#clock.schedule(REPORT_MS, () => this.start());
  }

  stop(): void {
    this.#cancel();
  }
}
