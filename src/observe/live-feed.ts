// Tells every open page once a second what has changed. One timer and one text serve all pages.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EventStreams } from '../http/event-streams.ts';
import { Repeat } from '../system/repeat.ts';
import { type PageLists, pageWords } from '../view/page-words.ts';
import type { ObservationPorts } from './observe-ports.ts';
import { PageParts, type PageState } from './page-state.ts';

const SECOND_MS = 1_000;
/** Lists of files are made more seldom, because the quarantine is read from the disk. */
const LISTS_MS = 5_000;
/** How many files of each list the page shows. */
const FILES_SHOWN = 50;

/** start() and stop() pair up, and may be repeated. Without a page, nothing is made. */
export class LiveFeed {
  readonly #ports: ObservationPorts;
  readonly #streams = new EventStreams();
  readonly #parts: PageParts;
  readonly #ticks: Repeat;
  readonly #listing: Repeat;
  #lists: PageLists = {
    deferred: { list: 'deferred', files: [], total: 0 },
    quarantined: { list: 'quarantined', files: [], total: 0 },
  };

  constructor(ports: ObservationPorts) {
    this.#ports = ports;
    this.#parts = new PageParts(ports.redact);
    this.#ticks = new Repeat(ports.clock, () => this.#tick(), SECOND_MS);
    const makeLists = () => (this.#streams.size === 0 ? undefined : this.#makeLists());
    this.#listing = new Repeat(ports.clock, makeLists, LISTS_MS);
  }

  /** Ends every page's stream, because another token is needed now. */
  endAll(): void {
    this.#streams.endAll();
  }

  start(): void {
    this.#ticks.start();
    this.#listing.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#ticks.stop(), this.#listing.stop()]);
  }

  /** Answers with all that the page shows, and then with each change, until the client leaves. */
  async join(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#streams.size === 0) await this.#makeLists();
    this.#streams.add(request, response, () => {
      // With other pages open, the parts are less than a second old.
      if (this.#streams.size === 0) this.#parts.changesTo(this.#state());
      return this.#parts.all();
    });
  }

  #tick(): void {
    if (this.#streams.size > 0) this.#streams.send(this.#parts.changesTo(this.#state()));
  }

  async #makeLists(): Promise<void> {
    const { list, onEvent } = this.#ports;
    try {
      const [deferred, quarantined] = await Promise.all([
        list('deferred', FILES_SHOWN),
        list('quarantined', FILES_SHOWN),
      ]);
      this.#lists = { deferred, quarantined };
    } catch (error) {
      onEvent({ kind: 'fault', operation: 'list files for the page', error });
    }
  }

  #state(): PageState {
    const { snapshot, shownOptions } = this.#ports;
    const now = snapshot();
    const { texts, rows } = pageWords(now, this.#lists);
    return { ...now, words: texts, rows, lists: this.#lists, settings: shownOptions() };
  }
}
