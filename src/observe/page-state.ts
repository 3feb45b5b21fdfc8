// What the page is told: the snapshot, its words and the settings, cut into parts, so that only
// those that have changed are sent again.
import type { ShownOption } from '../config/shown-options.ts';
import type { Redact } from '../system/redact.ts';
import type { PageLists, PageWords } from '../view/page-words.ts';
import { redacted } from '../view/redacted.ts';
import type { Snapshot } from '../view/snapshot.ts';

/** All that the page shows. Each field is a part. */
export interface PageState extends Snapshot {
  readonly words: PageWords['texts'];
  readonly rows: PageWords['rows'];
  readonly lists: PageLists;
  readonly settings: readonly ShownOption[];
}

/** Remembers which parts were sent. */
export class PageParts {
  readonly #redact: Redact;
  readonly #sent = new Map<string, string>();

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  /** The parts that have changed, as the text of a JSON object. */
  changesTo(state: PageState): string {
    const changed: string[] = [];
    for (const [name, value] of Object.entries(state)) {
      const json = redacted(value, this.#redact);
      if (this.#sent.get(name) === json) continue;
      this.#sent.set(name, json);
      changed.push(name);
    }
    return this.#objectOf(changed);
  }

  /** All parts as they were last. */
  all(): string {
    return this.#objectOf([...this.#sent.keys()]);
  }

  #objectOf(names: readonly string[]): string {
    return `{${names.map((name) => `${JSON.stringify(name)}:${this.#sent.get(name)}`).join()}}`;
  }
}
