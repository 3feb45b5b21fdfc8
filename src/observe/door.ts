// The open port of an observed daemon: one server, which clients it lets in, and what it answers.
import { isDeepStrictEqual } from 'node:util';
import { HttpServer } from '../http/http-server.ts';
import type { ListenAt } from '../http/listen-on-each.ts';
import { type Access, answerBy, type Get } from '../http/routes.ts';
import { accessOf, isOpenToNetwork } from './access.ts';
import { LiveFeed } from './live-feed.ts';
import type { ObservationPorts, ObserveOptions } from './observe-ports.ts';
import { observedRoutes } from './observed-routes.ts';
import { pageFiles } from './page-files.ts';

/** May be opened again after close(). */
export class Door {
  readonly at: ListenAt;
  readonly #server: HttpServer;
  readonly #feed: LiveFeed;
  #access: Access;

  constructor(at: ListenAt, access: Access, page: ReadonlyMap<string, Get>, ports: ObservationPorts) {
    this.at = at;
    this.#access = access;
    const onError = (error: unknown) =>
      ports.onEvent({ kind: 'fault', operation: 'answer an observer', error });
    this.#feed = new LiveFeed(ports);
    const routes = observedRoutes(ports, this.#feed, page);
    const answer = answerBy({ routes, access: () => this.#access, onError });
    this.#server = new HttpServer(ports.clock, answer, onError);
  }

  get access(): Access {
    return this.#access;
  }

  get urls(): readonly string[] {
    return this.#server.urls;
  }

  /** True if every client on the network is let in. */
  get isOpen(): boolean {
    return isOpenToNetwork(this.at, this.#access);
  }

  isAt(at: ListenAt): boolean {
    return isDeepStrictEqual(this.at, at);
  }

  /** From the next request on. Pages that were let in by another token have to ask again. */
  admit(access: Access): void {
    const isNew = !isDeepStrictEqual(access, this.#access);
    this.#access = access;
    if (isNew) this.#feed.endAll();
  }

  /** Rejects with a Fault. */
  async open(): Promise<void> {
    await this.#server.listen(this.at);
    this.#feed.start();
  }

  async close(): Promise<void> {
    await this.#feed.stop();
    await this.#server.close();
  }
}

/** Reads the token and the page. Rejects with a Fault that names the token's file. */
export async function makeDoor(
  at: ListenAt,
  options: ObserveOptions,
  ports: ObservationPorts,
): Promise<Door> {
  return new Door(at, await accessOf(options), await pageFiles(), ports);
}
