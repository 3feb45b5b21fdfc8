// How requests leave the machine: directly or through a proxy.

import { connect, isIP, type Socket } from 'node:net';
import { createSecureContext, connect as tlsConnect } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import { type Proxies, type ProxySetting, proxyAddress, proxyFor } from '../system/proxies.ts';
import { AddressOrder, attemptTimeoutMs, type DialOptions } from './address-order.ts';
import { connectTimeout } from './connection-error.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Departure } from './departure.ts';
import type { HandlerOptions } from './request-watch.ts';
import { openTunnel } from './tunnel.ts';
import type { WireHead } from './wire-head.ts';

/** Plain data, because it crosses to the sending thread. */
export interface WayOutOptions {
  readonly proxies: Proxies;
  /** PEM text [Node's own choice of trusted certificates]. */
  readonly trustedCertificates: string | undefined;
}

/** What a connection is opened to. */
interface Dialled {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

/** Probes find a dead peer, and keep the way through a NAT open. Node's agents begin as late. */
const KEEP_ALIVE_MS = 1_000;

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
  /** Keyed by protocol, host and port. halfpipe contacts only a few. */
  readonly #departures = new Map<string, Departure>();
  #isClosed = false;

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
  }

  departureOf({ protocol, host, port }: WireHead): Departure {
    const key = `${protocol}//${host} ${port ?? ''}`;
    let departure = this.#departures.get(key);
    if (departure === undefined) {
      departure = this.#newDeparture({ protocol, host, port: port ?? defaultPort(protocol) });
      this.#departures.set(key, departure);
      if (this.#isClosed) departure.connections.close();
    }
    return departure;
  }

  /**
   * Closes idle connections now, and those in use when their request is over. New requests still
   * work.
   */
  close(): void {
    this.#isClosed = true;
    for (const { connections } of this.#departures.values()) connections.close();
  }

  #newDeparture(target: Dialled): Departure {
    const proxy = proxyFor(this.#proxies, target);
    const isTunnel = proxy !== undefined && target.protocol === 'https:';
    const first = proxy === undefined ? target : proxyTarget(proxy);
    const connections = new ConnectionPool({
      clock: this.#clock,
      maxSockets: this.#limits.maxSockets,
      open: isTunnel ? (signal) => this.#tunnel(proxy, target, signal) : this.#direct(first),
    });
    return new Departure({
      connections,
      host: isTunnel ? target.host : first.host,
      order: this.#order,
      reader: isTunnel ? undefined : proxy,
    });
  }

  #tunnel(proxy: ProxySetting, target: Dialled, signal: AbortSignal): Promise<Socket> {
    const { connectTimeoutMs } = this.#limits;
    return openTunnel({ proxy, clock: this.#clock, connectTimeoutMs, dial: this.#dial }, target, signal);
  }

  #direct({ protocol, host, port }: Dialled): () => Socket {
    const options = {
      ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS },
      ...this.#dial,
    };
    if (protocol === 'http:') return () => this.#limited(connect(options), host);
    // A session that the server remembers spares most of the next handshake.
    let session: Buffer | undefined;
    const tls = { ...options, servername: isIP(host) === 0 ? host : '', ALPNProtocols: ['http/1.1'] };
    return () => {
      const socket = tlsConnect({ ...tls, ...(session && { session }) });
      socket.on('session', (latest) => {
        session = latest;
      });
      socket.once('close', (hadError) => {
        if (hadError) session = undefined;
      });
      return this.#limited(socket, host);
    };
  }

  /** Ends a socket that does not connect in time. */
  #limited(socket: Socket, host: string): Socket {
    const { connectTimeoutMs } = this.#limits;
    const cancel = this.#clock.schedule(connectTimeoutMs, () => {
      const isLookingUp = this.#order.isLookingUp(host);
      socket.destroy(connectTimeout({ host, connectTimeoutMs, isLookingUp }));
    });
    socket.once('connect', cancel);
    socket.once('close', cancel);
    return socket;
  }
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}

function proxyTarget(proxy: ProxySetting): Dialled {
  return { protocol: new URL(proxy.url).protocol, ...proxyAddress(proxy) };
}
