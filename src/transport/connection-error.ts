// Makes errors of failed connections say what is to blame. The errors cross to the main thread, so
// only plain values are added.
import type { PeerCertificate } from 'node:tls';
import { errnoOf } from '../system/fault.ts';
import type { ProxySetting } from '../system/proxies.ts';
import { proxyFailure } from './proxy-error.ts';

export interface ConnectionFacts {
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** The proxy that the connection should have led to. */
  readonly proxy: ProxySetting | undefined;
  /** True if the name server has not answered yet. */
  readonly isLookingUp: boolean;
}

/** Returns the error, changed so that it names what is to blame. Other values stay as they are. */
export function explained(error: unknown, facts: ConnectionFacts): unknown {
  if (!(error instanceof Error)) return error;
  const told = isConnectTimeout(error) ? timeout(error, facts) : error;
  if (facts.proxy !== undefined && isBeforeRequest(told)) return proxyFailure(facts.proxy, told);
  if (errnoOf(error) !== 'ERR_TLS_CERT_ALTNAME_INVALID') return told;
  const { cert } = error as { cert?: Partial<PeerCertificate> };
  return Object.assign(error, { altnames: cert?.subjectaltname ?? '' });
}

/** NodeHttpHandler's own time-out error has neither code nor syscall, and names the library. */
function isConnectTimeout(error: Error): boolean {
  return error.name === 'TimeoutError' && errnoOf(error) === undefined;
}

function timeout(cause: Error, { host, connectTimeoutMs, isLookingUp }: ConnectionFacts): Error {
  const within = `within ${connectTimeoutMs / 1000} s`;
  const [code, text] = isLookingUp
    ? ['ERR_NAME_TIMEOUT', `no name server gave the address of ${host} ${within}`]
    : ['ERR_CONNECT_TIMEOUT', `no connection to ${host} ${within}`];
  return Object.assign(new Error(text, { cause }), { name: 'TimeoutError', code });
}

function isBeforeRequest(error: Error): boolean {
  const syscall = 'syscall' in error ? error.syscall : undefined;
  const isTimeout = /^ERR_(NAME|CONNECT)_TIMEOUT$/.test(errnoOf(error) ?? '');
  return isTimeout || syscall === 'connect' || syscall === 'getaddrinfo' || error instanceof AggregateError;
}
