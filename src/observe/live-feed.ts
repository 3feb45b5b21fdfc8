// Tells every open page once a second what has changed. One timer and one text serve all pages.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EventStreams } from '../http/event-streams.ts';
import { Repeat } from '../system/repeat.ts';
import { pageWords } from '../view/page-words.ts';
import type { ObservationPorts } from './observe-ports.ts';
import { PageParts, type PageState } from './page-state.ts';
import { RateLog, type RatesView } from './rate-log.ts';

const SECOND_MS = 1_000;

/** start() and stop() pair up, and may be repeated. Without a page, it only remembers rates. */
export class LiveFeed {
  readonly #ports: ObservationPorts;
  readonly #streams = new EventStreams();
  readonly #rates = new RateLog();
  readonly #parts: PageParts;
  readonly #ticks: Repeat;

  constructor(ports: ObservationPorts) {
    this.#ports = ports;
    this.#parts = new PageParts(ports.redact);
    this.#ticks = new Repeat(ports.clock, () => this.#tick(), SECOND_MS);
  }

  start(): void {
    this.#ticks.start();
  }

  async stop(): Promise<void> {
    await this.#ticks.stop();
  }

  /** Answers with all that the page shows, and then with each change, until the client leaves. */
  join(request: IncomingMessage, response: ServerResponse): void {
    this.#streams.add(request, response, () => {
      // With other pages open, the parts are less than a second old.
      if (this.#streams.size === 0) this.#parts.changesTo(this.#state());
      return this.#parts.all();
    });
  }

  last10Minutes(): RatesView {
    const { clock } = this.#ports;
    return this.#rates.last10Minutes(clock.monotonicMs(), clock.wallMs());
  }

  lastDay(): RatesView {
    const { clock } = this.#ports;
    return this.#rates.lastDay(clock.monotonicMs(), clock.wallMs());
  }

  #tick(): void {
    const state = this.#state();
    this.#rates.add(this.#ports.clock.monotonicMs(), state.link);
    if (this.#streams.size > 0) this.#streams.send(this.#parts.changesTo(state));
  }

  #state(): PageState {
    const { snapshot, shownOptions } = this.#ports;
    const now = snapshot();
    const { texts, rows } = pageWords(now);
    return { ...now, words: texts, rows, settings: shownOptions() };
  }
}
