// Connections to TLS endpoints through a proxy.
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
  /** How long the proxy may take to connect and answer. */
  readonly connectTimeoutMs: number;
  readonly maxSockets: number;
  readonly dial: DialOptions;
}

/**
 * Sends CONNECT to the proxy and then does TLS with the endpoint. Node pools these connections like
 * any others.
 */
export class TunnelAgent extends Agent {
  readonly #options: TunnelOptions;

  constructor(options: TunnelOptions) {
    super({ keepAlive: true, maxSockets: options.maxSockets, scheduling: 'lifo' });
    this.#options = options;
  }

  /**
   * Resolves with the connection. Rejects with an error of proxy-error when the proxy lets nothing
   * through.
   */
  override async connect(request: ClientRequest, target: AgentConnectOpts): Promise<Socket> {
    const { proxy, clock, connectTimeoutMs, dial } = this.#options;
    const stop = new AbortController();
    const cancel = clock.schedule(connectTimeoutMs, () => stop.abort());
    // One agent for each connection, because only its signal ends a connection to a silent proxy.
    // Its URL does not contain the password, because the agent would print that to the console with
    // DEBUG set.
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

  /** Otherwise the agent would find this out from a stack trace, for each request. */
  override isSecureEndpoint(): boolean {
    return true;
  }
}

/**
 * The certificate must be the endpoint's, even if the endpoint is an address, which cannot be a
 * server name in TLS.
 */
function endpointTls(target: AgentConnectOpts, { secureContext }: DialOptions): object {
  const checkIdentity = (_name: string, certificate: PeerCertificate) =>
    checkServerIdentity(`${target.host}`, certificate);
  return { checkServerIdentity: checkIdentity, ...(secureContext && { secureContext }) };
}
