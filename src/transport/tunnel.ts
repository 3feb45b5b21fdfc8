// Connections to TLS endpoints through a proxy.
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Clock } from '../system/clock.ts';
import { type ProxySetting, shownProxy } from '../system/proxies.ts';
import type { DialOptions } from './address-order.ts';
import { proxyAuthorization, proxyFailure, proxyRefusal, proxySilence } from './proxy-error.ts';

export interface TunnelOptions {
  readonly proxy: ProxySetting;
  readonly clock: Clock;
  /** How long the proxy may take to connect and answer. */
  readonly connectTimeoutMs: number;
  readonly dial: DialOptions;
}

/** The endpoint behind the proxy. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
}

/**
 * Sends CONNECT to the proxy and then does TLS with the endpoint. Resolves with the connection.
 * Rejects with an error of proxy-error when the proxy lets nothing through, or when the signal
 * aborts.
 */
export async function openTunnel(
  { proxy, clock, connectTimeoutMs, dial }: TunnelOptions,
  target: TunnelTarget,
  signal: AbortSignal,
): Promise<Socket> {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const stop = new AbortController();
  const cancel = clock.schedule(connectTimeoutMs, () => stop.abort());
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  // One agent for each connection, because only its signal ends a connection to a silent proxy. Its
  // URL does not contain the password, because the agent would print that to the console with DEBUG
  // set.
  const tunnel = new HttpsProxyAgent(shownProxy(proxy), {
    ...dial,
    keepAlive: true,
    noDelay: true,
    signal: stop.signal,
    headers: proxyAuthorization(proxy),
  });
  let status = 0;
  tunnel.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    status = statusCode;
  });
  try {
    // The agent wants to tell a request about its socket.
    const request = new EventEmitter() as ClientRequest;
    const options = { ...target, secureEndpoint: true, ...endpointTls(target, dial) } as const;
    const socket = await tunnel.connect(request, options as Parameters<typeof tunnel.connect>[1]);
    if (status === 200) return socket;
    socket.destroy();
  } catch (error) {
    throw stop.signal.aborted ? proxySilence(proxy, connectTimeoutMs) : proxyFailure(proxy, error);
  } finally {
    cancel();
  }
  throw proxyRefusal(proxy, status);
}

/**
 * The certificate must be the endpoint's, even if the endpoint is an address, which cannot be a
 * server name in TLS.
 */
function endpointTls(target: TunnelTarget, { secureContext }: DialOptions): object {
  const checkIdentity = (_name: string, certificate: PeerCertificate) =>
    checkServerIdentity(target.host, certificate);
  return {
    ALPNProtocols: ['http/1.1'],
    checkServerIdentity: checkIdentity,
    ...(secureContext && { secureContext }),
  };
}
