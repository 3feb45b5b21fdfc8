// Connections to TLS endpoints through a proxy: CONNECT to it, then TLS with the endpoint. Pooled
// by Node like any other.
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { Agent, type AgentConnectOpts } from 'agent-base';
import { HttpsProxyAgent } from 'https-proxy-agent';
import type { Clock } from '../system/clock.ts';
import { type ProxySetting, shownProxy } from '../system/proxies.ts';
import type { DialOptions } from './address-order.ts';
import { proxyAuthorization, proxyFailure, proxyRefusal, proxySilence } from './proxy-error.ts';

export interface TunnelOptions {
  readonly proxy: ProxySetting;
  readonly clock: Clock;
  /** What the proxy may take to connect and answer. */
  readonly connectTimeoutMs: number;
  readonly maxSockets: number;
  readonly dial: DialOptions;
}

export class TunnelAgent extends Agent {
  readonly #options: TunnelOptions;

  constructor(options: TunnelOptions) {
    super({ keepAlive: true, maxSockets: options.maxSockets, scheduling: 'lifo' });
    this.#options = options;
  }

  /** Rejects with an error of `proxy-error` when the proxy lets nothing through. */
  override async connect(request: ClientRequest, target: AgentConnectOpts): Promise<Socket> {
    const { proxy, clock, connectTimeoutMs, dial } = this.#options;
    const stop = new AbortController();
    const cancel = clock.schedule(connectTimeoutMs, () => stop.abort());
    // One for each connection, because only its signal ends a connection to a proxy that is silent.
    // The password is not in its URL: it would write that to the console with DEBUG set.
    const tunnel = new HttpsProxyAgent(shownProxy(proxy), {
      ...dial,
      keepAlive: true,
      signal: stop.signal,
      headers: proxyAuthorization(proxy),
    });
    let status = 0;
    tunnel.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      status = statusCode;
    });
    try {
      const socket = await tunnel.connect(request, { ...target, ...endpointTls(target, dial) });
      if (status === 200) return socket;
      socket.destroy();
    } catch (error) {
      throw stop.signal.aborted ? proxySilence(proxy, connectTimeoutMs) : proxyFailure(proxy, error);
    } finally {
      cancel();
    }
    throw proxyRefusal(proxy, status);
  }

  /** Otherwise told from a stack trace, for each request. */
  override isSecureEndpoint(): boolean {
    return true;
  }
}

/**
 * The certificate must be the endpoint's also where that is an address, which is no server name in
 * TLS.
 */
function endpointTls(target: AgentConnectOpts, { secureContext }: DialOptions): object {
  const checkIdentity = (_name: string, certificate: PeerCertificate) =>
    checkServerIdentity(`${target.host}`, certificate);
  return { checkServerIdentity: checkIdentity, ...(secureContext && { secureContext }) };
}
