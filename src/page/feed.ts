// The page's connection to the daemon. It says what the connection is like, and mends it by itself.
import { isVisible, nowMs, repeatEvery } from './browser.ts';

export type Connection =
  | { readonly kind: 'live' }
  /** `sinceMs`: the last message, by the browser's clock; undefined before the first. */
  | { readonly kind: 'lost'; readonly sinceMs: number | undefined };

export interface FeedPorts {
  /** The fields that have changed. The first message has all. */
  readonly onChange: (changed: Readonly<Record<string, unknown>>, isFirst: boolean) => void;
  readonly onConnection: (connection: Connection) => void;
}

/** The daemon tells something each second. Longer silence means that the connection is dead. */
const SILENCE_MS = 5_000;
const RETRY_MS = 2_000;

/**
 * While the page is hidden it does not listen: a browser allows six connections to one server, for
 * all its tabs.
 */
export class Feed {
  readonly #ports: FeedPorts;
  #source: EventSource | undefined;
  #openedAtMs = 0;
  #heardAtMs: number | undefined;

  constructor(ports: FeedPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#connect();
    repeatEvery(1_000, () => this.#check());
    document.addEventListener('visibilitychange', () => this.#check());
  }

  #connect(): void {
    this.#source?.close();
    this.#openedAtMs = nowMs();
    const source = new EventSource('/events');
    this.#source = source;
    let isFirst = true;
    source.addEventListener('message', ({ data }) => {
      this.#heardAtMs = nowMs();
      this.#ports.onChange(JSON.parse(String(data)), isFirst);
      if (isFirst) this.#ports.onConnection({ kind: 'live' });
      isFirst = false;
    });
    source.addEventListener('error', () => {
      source.close();
      this.#lose();
    });
  }

  #lose(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#ports.onConnection({ kind: 'lost', sinceMs: this.#heardAtMs });
  }

  #check(): void {
    if (!isVisible()) {
      this.#source?.close();
      this.#source = undefined;
      return;
    }
    const quietMs = nowMs() - Math.max(this.#openedAtMs, this.#heardAtMs ?? 0);
    if (this.#source !== undefined && quietMs > SILENCE_MS) this.#lose();
    else if (this.#source === undefined && nowMs() - this.#openedAtMs > RETRY_MS) this.#connect();
  }
}
