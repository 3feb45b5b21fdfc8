// How requests leave the machine: directly or through a proxy.

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
import type { HandlerOptions } from './request-watch.ts';
import { TunnelAgent } from './tunnel-agent.ts';

/** Plain data, because it crosses to the sending thread. */
export interface WayOutOptions {
  readonly proxies: Proxies;
  /** PEM text [Node's own choice of trusted certificates]. */
  readonly trustedCertificates: string | undefined;
}

/** How one request leaves. */
export interface Departure {
  readonly handler: NodeHttpHandler;
  /** The head as it is sent. A plain HTTP request to a proxy names the whole URL. */
  readonly head: RequestHead;
  /** The host that the connection goes to. */
  readonly host: string;
  /**
   * The proxy that reads the request itself. Undefined if there is no proxy, or if it only passes
   * bytes on.
   */
  readonly reader: ProxySetting | undefined;
}

type HttpAnswer = Awaited<ReturnType<NodeHttpHandler['handle']>>;

// Without a logger, NodeHttpHandler warns on the console, which belongs to the log.
const silent = () => undefined;
const SILENT = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };

/**
 * Chooses the way for each request: the proxy that the environment names for its host, or none,
 * with the certificates that the environment names. There is one pool of connections for each way;
 * the pacer sees no difference between them.
 */
export class WayOut {
  readonly #proxies: Proxies;
  readonly #limits: HandlerOptions;
  readonly #clock: Clock;
  readonly #order = new AddressOrder();
  readonly #dial: DialOptions;
  readonly #agents: HttpAgent[] = [];
  readonly #direct: NodeHttpHandler;
  /** Keyed by the proxy's URL. */
  readonly #tunnels = new Map<string, NodeHttpHandler>();

  constructor({ proxies, trustedCertificates }: WayOutOptions, limits: HandlerOptions, clock: Clock) {
    this.#proxies = proxies;
    this.#limits = limits;
    this.#clock = clock;
    this.#dial = {
      lookup: this.#order.lookup,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: attemptTimeoutMs(limits.connectTimeoutMs),
      // Done once, because a bundle may hold 150 certificates, and reading them takes about 10 ms.
      ...(trustedCertificates !== undefined && {
        secureContext: createSecureContext({ ca: trustedCertificates }),
      }),
    };
    // Few warm connections are better than many: S3 closes an idle one after about 20 s.
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

  /** Call for each answer. Throws if the answer is the proxy's own. */
  arrived({ host, reader }: Departure, { response }: HttpAnswer): void {
    this.#order.connected(host, (response.body as Partial<IncomingMessage>).socket?.remoteAddress);
    if (reader !== undefined && response.statusCode === 407) throw proxyRefusal(reader, 407);
  }

  /** Returns the error of a failed request, changed so that it says what is to blame. */
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
   * Closes idle connections now, and those in use when their request is over. New requests still
   * work.
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
      // RequestWatch does both, because these also count the time the pacer holds a slice back.
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
