// How requests leave the machine: directly, or through the proxy that the environment names for
// their host, with the certificates it names. One set of connections for each way, all alike in
// what the pacer sees.

import { Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { createSecureContext } from 'node:tls';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Clock } from '../system/clock.ts';
import {
  type Proxies,
  type ProxySetting,
  type ProxyTarget,
  proxyAddress,
  proxyFor,
} from '../system/proxies.ts';
import { AddressOrder, attemptTimeoutMs, type DialOptions } from './address-order.ts';
import { explained } from './connection-error.ts';
import type { RequestHead } from './http-request.ts';
import { proxyAuthorization, proxyRefusal } from './proxy-error.ts';
import type { HandlerLimits } from './request-watch.ts';
import { TunnelAgent } from './tunnel-agent.ts';

/** Plain data: it goes to the sending thread. */
export interface WayOutOptions {
  readonly proxies: Proxies;
  /** PEM; undefined: Node's own choice of trusted certificates. */
  readonly trustedCertificates: string | undefined;
}

/** One request on its way. */
export interface Departure {
  readonly handler: NodeHttpHandler;
  /** As it is sent: to a proxy, a plain HTTP request names the whole URL. */
  readonly head: RequestHead;
  /** Where the connection goes. */
  readonly host: string;
  /**
   * The proxy that sees the request itself; undefined where it only passes bytes on, or where there
   * is none.
   */
  readonly reader: ProxySetting | undefined;
}

type HttpAnswer = Awaited<ReturnType<NodeHttpHandler['handle']>>;

// Without a logger NodeHttpHandler warns on the console, which belongs to the log.
const silent = () => undefined;
const SILENT = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };

export class WayOut {
  readonly #proxies: Proxies;
  readonly #limits: HandlerLimits;
  readonly #clock: Clock;
  readonly #order = new AddressOrder();
  readonly #dial: DialOptions;
  readonly #agents: HttpAgent[] = [];
  readonly #direct: NodeHttpHandler;
  /** By the proxy's URL. */
  readonly #tunnels = new Map<string, NodeHttpHandler>();

  constructor({ proxies, trustedCertificates }: WayOutOptions, limits: HandlerLimits, clock: Clock) {
    this.#proxies = proxies;
    this.#limits = limits;
    this.#clock = clock;
    this.#dial = {
      lookup: this.#order.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptTimeoutMs(limits.connectTimeoutMs),
      // Once, because a bundle may hold 150 certificates, and reading those takes some 10 ms.
      ...(trustedCertificates !== undefined && {
        secureContext: createSecureContext({ ca: trustedCertificates }),
      }),
    };
    // Fewer warm connections are better than many: an idle one is closed by S3 after some 20 s.
    const pool = { keepAlive: true, maxSockets: limits.maxSockets, scheduling: 'lifo' } as const;
    const [http, https] = [
      new HttpAgent({ ...pool, ...this.#dial }),
      new HttpsAgent({ ...pool, ...this.#dial }),
    ];
    this.#agents.push(http, https);
    this.#direct = this.#handler(http, https);
  }

  departureOf(head: RequestHead): Departure {
    const proxy = proxyFor(this.#proxies, targetOf(head));
    if (proxy === undefined) {
      return { handler: this.#direct, head, host: targetOf(head).host, reader: undefined };
    }
    const { host } = proxyAddress(proxy);
    if (head.protocol === 'http:')
      return { handler: this.#direct, head: viaProxy(head, proxy), host, reader: proxy };
    return { handler: this.#tunnel(proxy), head, host, reader: undefined };
  }

  /** To be asked of each answer: throws where it is the proxy's own. */
  arrived({ host, reader }: Departure, { response }: HttpAnswer): void {
    this.#order.connected(host, (response.body as Partial<IncomingMessage>).socket?.remoteAddress);
    if (reader !== undefined && response.statusCode === 407) throw proxyRefusal(reader, 407);
  }

  /** The error of a request that failed, so that it tells who is to blame. */
  explained(error: unknown, { host, reader }: Departure): unknown {
    const { connectTimeoutMs } = this.#limits;
    return explained(error, {
      host,
      connectTimeoutMs,
      proxy: reader,
      isLookingUp: this.#order.isLookingUp(host),
    });
  }

  /**
   * Closes idle connections now, and those in use as soon as their request is over. Requests go on
   * to work.
   */
  close(): void {
    for (const agent of this.#agents) {
      agent.maxFreeSockets = 0;
      for (const sockets of Object.values(agent.freeSockets)) {
        for (const socket of sockets ?? []) socket.destroy();
      }
    }
  }

  #tunnel(proxy: ProxySetting): NodeHttpHandler {
    const known = this.#tunnels.get(proxy.url);
    if (known !== undefined) return known;
    const { connectTimeoutMs, maxSockets } = this.#limits;
    const agent = new TunnelAgent({
      proxy,
      clock: this.#clock,
      connectTimeoutMs,
      maxSockets,
      dial: this.#dial,
    });
    this.#agents.push(agent);
    const handler = this.#handler(agent, agent);
    this.#tunnels.set(proxy.url, handler);
    return handler;
  }

  #handler(httpAgent: HttpAgent, httpsAgent: HttpAgent): NodeHttpHandler {
    return new NodeHttpHandler({
      httpAgent,
      httpsAgent: httpsAgent as HttpsAgent,
      connectionTimeout: this.#limits.connectTimeoutMs,
      // RequestWatch does both: these count the time the pacer holds a slice back.
      requestTimeout: 0,
      socketTimeout: 0,
      logger: SILENT,
    });
  }
}

function targetOf({ protocol, hostname, port }: RequestHead): ProxyTarget {
  return { protocol, host: hostname.replace(/^\[|\]$/g, ''), port: port ?? 0 };
}

function viaProxy(head: RequestHead, proxy: ProxySetting): RequestHead {
  const { hostname, port, protocol } = new URL(proxy.url);
  const authority = head.port === undefined ? head.hostname : `${head.hostname}:${head.port}`;
  return {
    ...head,
    protocol,
    hostname,
    ...(port === '' ? { port: protocol === 'https:' ? 443 : 80 } : { port: Number(port) }),
    path: `http://${authority}${head.path}`,
    headers: { ...head.headers, ...proxyAuthorization(proxy) },
  };
}
