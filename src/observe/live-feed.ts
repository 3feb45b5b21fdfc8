// Tells every open page once a second what has changed. One timer and one text serve all pages.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EventStreams } from '../http/event-streams.ts';
import { Repeat } from '../system/repeat.ts';
import { pageWords } from '../view/page-words.ts';
import type { ObservationPorts } from './observe-ports.ts';
import { PageParts, type PageState } from './page-state.ts';

const SECOND_MS = 1_000;

/** start() and stop() pair up, and may be repeated. Without a page, nothing is made. */
export class LiveFeed {
  readonly #ports: ObservationPorts;
  readonly #streams = new EventStreams();
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

  #tick(): void {
    if (this.#streams.size > 0) this.#streams.send(this.#parts.changesTo(this.#state()));
  }

  #state(): PageState {
    const { snapshot, shownOptions } = this.#ports;
    const now = snapshot();
    const { texts, rows } = pageWords(now);
    return { ...now, words: texts, rows, settings: shownOptions() };
  }
}
