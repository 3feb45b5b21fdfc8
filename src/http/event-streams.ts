// Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): one message
// for all clients, made once. A client that does not keep up is dropped.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendText } from './routes.ts';

/** Half of the connections that the server accepts, so that scrapers find one. */
const CLIENTS_MAX = 32;
/** Several messages. A client that has not taken so much is dropped, and may connect again. */
const UNSENT_BYTES_MAX = 512 * 1024;
/** How soon a browser connects again by itself. */
const RETRY_MS = 2_000;

/** The clients of one stream of messages. Nothing is kept for a client that is not connected. */
export class EventStreams {
  readonly #clientsMax: number;
  readonly #clients = new Set<ServerResponse>();

  constructor(clientsMax = CLIENTS_MAX) {
    this.#clientsMax = clientsMax;
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Begins an answer with `first` as its first message, or answers 503 if there are too many. */
  add(request: IncomingMessage, response: ServerResponse, first: () => string): void {
    if (response.destroyed) return;
    if (this.#clients.size >= this.#clientsMax) {
      response.setHeader('Retry-After', 10);
      return sendText(response, 503, `${this.#clientsMax} clients listen already: close a page`);
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    if (request.method === 'HEAD') return void response.end();
    response.write(`retry: ${RETRY_MS}\n${messageOf(first())}`);
    this.#clients.add(response);
    response.once('close', () => this.#clients.delete(response));
  }

  /** Ends every stream. A browser begins a new one. */
  endAll(): void {
    for (const client of this.#clients) client.end();
  }

  /** `data` is one line. */
  send(data: string): void {
    const message = messageOf(data);
    for (const client of this.#clients) {
      if (client.writableLength > UNSENT_BYTES_MAX) client.destroy();
      else client.write(message);
    }
  }
}

function messageOf(data: string): string {
  return `data: ${data}\n\n`;
}
