// The open port of an observed daemon: one server, which clients it lets in, and what it answers.
import { isDeepStrictEqual } from 'node:util';
import { HttpServer } from '../http/http-server.ts';
import { type Access, answerBy, type Get } from '../http/routes.ts';
import { accessOf, isOpenToNetwork } from './access.ts';
import { LiveFeed } from './live-feed.ts';
import type { ObservationPorts, OpenObserveOptions } from './observe-ports.ts';
import { observedRoutes } from './observed-routes.ts';
import { pageFiles } from './page-files.ts';

/** Made by open(); close() ends it. */
export class ObserveDoor {
  readonly #listen: OpenObserveOptions['listen'];
  readonly #server: HttpServer;
  readonly #feed: LiveFeed;
  #access: Access;

  private constructor(
    { listen }: OpenObserveOptions,
    access: Access,
    page: ReadonlyMap<string, Get>,
    ports: ObservationPorts,
  ) {
    this.#listen = listen;
    this.#access = access;
    const onError = (error: unknown) =>
      ports.onEvent({ kind: 'fault', operation: 'answer an observer', error });
    this.#feed = new LiveFeed(ports);
    const routes = observedRoutes(ports, this.#feed, page);
    const answer = answerBy({ routes, access: () => this.#access, onError });
    this.#server = new HttpServer(ports.clock, answer, onError);
  }

  /** Rejects with a Fault when it cannot listen, or when the token cannot be read. */
  static async open(options: OpenObserveOptions, ports: ObservationPorts): Promise<ObserveDoor> {
    const door = new ObserveDoor(options, await accessOf(options), await pageFiles(), ports);
    await door.#server.listen({ ...options.listen, setting: 'observe.listen' });
    door.#feed.start();
    return door;
  }

  get urls(): readonly string[] {
    return this.#server.urls;
  }

  /** True if every client on the network is let in. */
  get isOpen(): boolean {
    return isOpenToNetwork(this.#listen, this.#access);
  }

  /**
   * Reads the token again, which counts from the next request on. Pages that were let in by another
   * token have to ask again. Rejects with a Fault that names the token's file.
   */
  async reconfigure(options: OpenObserveOptions): Promise<void> {
    const access = await accessOf(options);
    const isNew = !isDeepStrictEqual(access, this.#access);
    this.#access = access;
    if (isNew) this.#feed.endAll();
  }

  async close(): Promise<void> {
    await this.#feed.stop();
    await this.#server.close();
  }
}
