// What a proxy does instead of letting a request through, as errors that name it: otherwise its
// refusals would look like the store's. The proxy's user and password are in none of them.
import { errnoOf } from '../system/fault.ts';
import type { ProxySetting } from '../system/proxies.ts';
import { proxyLogin, shownProxy } from '../system/proxies.ts';

/** Headers for the proxy alone; empty where its URL has no user. */
export function proxyAuthorization(proxy: ProxySetting): Record<string, string> {
  const login = proxyLogin(proxy);
  if (login === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** `status` is what it answered to CONNECT. */
export function proxyRefusal(proxy: ProxySetting, status: number): Error {
  if (status === 407) return named(proxy, 'ERR_PROXY_AUTH', 'asks for a user and a password (HTTP 407)');
  if (status >= 500) return named(proxy, 'ERR_PROXY_UPSTREAM', `cannot reach the endpoint (HTTP ${status})`);
  return named(proxy, 'ERR_PROXY_REFUSED', `refuses connections to the endpoint (HTTP ${status})`);
}

/** It took the connection and then did not answer. */
export function proxySilence(proxy: ProxySetting, afterMs: number): Error {
  return named(proxy, 'ERR_PROXY_SILENT', `has not answered for ${afterMs / 1000} s`);
}

/** The connection to it failed. */
export function proxyFailure(proxy: ProxySetting, cause: unknown): Error {
  const reason = errnoOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return named(proxy, 'ERR_PROXY_UNREACHABLE', `cannot be reached (${reason})`, cause);
}

function named(proxy: ProxySetting, code: string, what: string, cause?: unknown): Error {
  const text = `the proxy ${shownProxy(proxy)} of ${proxy.variable} ${what}`;
  return Object.assign(new Error(text, cause === undefined ? {} : { cause }), { code });
}
