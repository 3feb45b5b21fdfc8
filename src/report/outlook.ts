// What comes of the backlog: how fast it grows and shrinks, and when it will be empty.

import type { Clock } from '../system/clock.ts';
import type { BacklogView, EtaView, ForecastView } from '../view/snapshot.ts';
import { type FlowCounts, FlowWindows } from './flow-windows.ts';
import { BacklogRates, type Flow, forecast } from './forecast.ts';

/** Keeps the windows and the forecast. Rates are of the monotonic clock. */
export class Outlook {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'wallMs'>;
  readonly #windows = new FlowWindows();
  readonly #rates = new BacklogRates();

  constructor(clock: Pick<Clock, 'monotonicMs' | 'wallMs'>) {
    this.#clock = clock;
  }

  /** Call it about once a second. `idle`: nothing is in flight. */
  observe(counts: FlowCounts, idle: boolean): void {
    const nowMs = this.#clock.monotonicMs();
    const { arrivedFiles, arrivedBytes, drainedFiles, drainedBytes } = counts;
    this.#windows.observe(nowMs, counts);
    const arrived = { files: arrivedFiles, bytes: arrivedBytes };
    this.#rates.observe(nowMs, arrived, { files: drainedFiles, bytes: drainedBytes }, idle);
  }

  view(backlog: Flow): Pick<BacklogView, 'flow' | 'forecast'> {
    return { flow: this.#windows.view(), forecast: this.#forecast(backlog) };
  }

  #forecast(backlog: Flow): ForecastView {
    const { forecast: kind, etaMs } = forecast(backlog, this.#rates.trend());
    const none = { eta: null, basis: null, shareToHold: null, diskFullMs: null };
    switch (kind) {
      case 'empty':
        return { ...none, verdict: 'empty', eta: this.#eta(0) };
      case 'never':
        return { ...none, verdict: 'falling-behind', basis: this.#windows.view().lastMinute };
      case 'unknown':
        return { ...none, verdict: 'unknown' };
      case 'finite':
        return { ...none, verdict: 'catching-up', eta: etaMs === null ? null : this.#eta(etaMs) };
    }
  }

  #eta(inMs: number): EtaView {
    const atMs = this.#clock.wallMs() + inMs;
    return { lowMs: inMs, highMs: inMs, lowAtMs: atMs, highAtMs: atMs };
  }
}
