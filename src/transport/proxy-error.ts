// Errors that name the proxy which did not let a request through. Otherwise its refusals would look
// like the store's. They never contain the proxy's user or password.
import { errnoOf } from '../system/fault.ts';
import type { ProxySetting } from '../system/proxies.ts';
import { proxyLogin, shownProxy } from '../system/proxies.ts';

/** The headers for the proxy only. Empty if its URL has no user. */
export function proxyAuthorization(proxy: ProxySetting): Record<string, string> {
  const login = proxyLogin(proxy);
  if (login === undefined) return {};
  return { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` };
}

/** `status` is the proxy's answer to CONNECT. */
export function proxyRefusal(proxy: ProxySetting, status: number): Error {
  if (status === 407) return named(proxy, 'ERR_PROXY_AUTH', 'asks for a user and a password (HTTP 407)');
  if (status >= 500) return named(proxy, 'ERR_PROXY_UPSTREAM', `cannot reach the endpoint (HTTP ${status})`);
  return named(proxy, 'ERR_PROXY_REFUSED', `refuses connections to the endpoint (HTTP ${status})`);
}

/** The proxy accepted the connection and then did not answer. */
export function proxySilence(proxy: ProxySetting, afterMs: number): Error {
  return named(proxy, 'ERR_PROXY_SILENT', `has not answered for ${afterMs / 1000} s`);
}

/** The connection to the proxy failed. */
export function proxyFailure(proxy: ProxySetting, cause: unknown): Error {
  const reason = errnoOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return named(proxy, 'ERR_PROXY_UNREACHABLE', `cannot be reached (${reason})`, cause);
}

function named(proxy: ProxySetting, code: string, what: string, cause?: unknown): Error {
  const text = `the proxy ${shownProxy(proxy)} of ${proxy.variable} ${what}`;
  return Object.assign(new Error(text, cause === undefined ? {} : { cause }), { code });
}
