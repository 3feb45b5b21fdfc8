// Shows the state where people look: to systemctl every two seconds, and in the log now and then.

import type { SdNotifier } from '../service/sd-notify.ts';
import type { Clock } from '../system/clock.ts';
import { Repeat } from '../system/repeat.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { unitStatus } from '../view/status-text.ts';
import type { Reporter } from './reporter.ts';

/** What systemctl shows is not older than this. */
const REPORT_MS = 2_000;

export class PeriodicReport {
  readonly #notifier: Pick<SdNotifier, 'status'>;
  readonly #reporter: Pick<Reporter, 'summarize'>;
  readonly #snapshot: () => Snapshot;
  readonly #reports: Repeat;

  constructor(
    clock: Clock,
    notifier: Pick<SdNotifier, 'status'>,
    reporter: Pick<Reporter, 'summarize'>,
    snapshot: () => Snapshot,
  ) {
    this.#notifier = notifier;
    this.#reporter = reporter;
    this.#snapshot = snapshot;
    this.#reports = new Repeat(clock, () => this.#report(), REPORT_MS);
  }

  /** Reports at once, and goes on until `stop`. */
  start(): void {
    this.#reports.startNow();
  }

  stop(): void {
    void this.#reports.stop();
  }

  #report(): void {
    const snapshot = this.#snapshot();
    this.#notifier.status(unitStatus(snapshot));
    const working = snapshot.state === 'draining' || snapshot.state === 'paused';
    if (working) this.#reporter.summarize(snapshot);
  }
}
