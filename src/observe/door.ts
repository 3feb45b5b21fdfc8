// The open port of an observed daemon: one server, which clients it lets in, and what it answers.
import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { HttpServer, type ListenAt } from '../http/http-server.ts';
import { type Access, answerBy, type Get } from '../http/routes.ts';
import { TokenGate } from '../http/token-gate.ts';
import { errnoOf, Fault } from '../system/fault.ts';
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
    return this.#access.token === undefined && !this.at.addresses.every(isLoopback);
  }

  isAt(at: ListenAt): boolean {
    return isDeepStrictEqual(this.at, at);
  }

  /** From the next request on. */
  admit(access: Access): void {
    this.#access = access;
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

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** Reads the token and the page. Rejects with a Fault that names the token's file. */
export async function makeDoor(
  at: ListenAt,
  options: ObserveOptions,
  ports: ObservationPorts,
): Promise<Door> {
  return new Door(at, await accessOf(options), await pageFiles(), ports);
}

async function accessOf({ hosts, tokenFile }: ObserveOptions): Promise<Access> {
  const token = tokenFile === undefined ? undefined : new TokenGate(await readToken(tokenFile));
  return { hosts, hostsSetting: 'observe.hosts', token };
}

/** Characters that a Bearer token may have (RFC 6750, section 2.1), and no fewer than 16. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

async function readToken(file: string): Promise<string> {
  const fault = (reason: string, hint: string, cause?: unknown) =>
    new Fault('blocked', `cannot use the token in ${file} (observe.tokenFile): ${reason}`, {
      ...{ operation: 'read token', subject: file, hint, cause, isLocal: true },
    });
  const make = `Make one with openssl rand -hex 32 >${file}`;
  let token: string;
  try {
    token = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') throw fault('no such file', make, error);
    if (code === 'EACCES')
      throw fault(
        'permission denied',
        `Let the service read it: chgrp halfpipe ${file}; chmod 0640 ${file}`,
        error,
      );
    throw fault(error instanceof Error ? error.message : String(error), make, error);
  }
  if (TOKEN.test(token)) return token;
  throw fault('it is not 16 to 512 letters, digits and . _ ~ + / - on one line', make);
}
