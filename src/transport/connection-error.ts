// Makes errors of failed connections say what is to blame. The errors cross to the main thread, so
// only plain values are added.
import type { PeerCertificate } from 'node:tls';
import { errnoOf } from '../system/fault.ts';
import type { ProxySetting } from '../system/proxies.ts';
import { proxyFailure } from './proxy-error.ts';

export interface ConnectionFacts {
  readonly host: string;
  readonly connectTimeoutMs: number;
  /** True if the name server has not answered yet. */
  readonly isLookingUp: boolean;
}

/**
 * Returns the error, changed so that it names what is to blame. Other values stay as they are.
 * `proxy` is the one that the connection should have led to.
 */
export function explained(error: unknown, proxy: ProxySetting | undefined): unknown {
  if (!(error instanceof Error)) return error;
  if (proxy !== undefined && isBeforeRequest(error)) return proxyFailure(proxy, error);
  if (errnoOf(error) !== 'ERR_TLS_CERT_ALTNAME_INVALID') return error;
  const { cert } = error as { cert?: Partial<PeerCertificate> };
  return Object.assign(error, { altnames: cert?.subjectaltname ?? '' });
}

/** The error of a connection that was not there in time. */
export function connectTimeout({ host, connectTimeoutMs, isLookingUp }: ConnectionFacts): Error {
  const within = `within ${connectTimeoutMs / 1000} s`;
  const [code, text] = isLookingUp
    ? ['ERR_NAME_TIMEOUT', `no name server gave the address of ${host} ${within}`]
    : ['ERR_CONNECT_TIMEOUT', `no connection to ${host} ${within}`];
  return Object.assign(new Error(text), { name: 'TimeoutError', code });
}

function isBeforeRequest(error: Error): boolean {
  const syscall = 'syscall' in error ? error.syscall : undefined;
  const isTimeout = /^ERR_(NAME|CONNECT)_TIMEOUT$/.test(errnoOf(error) ?? '');
  return isTimeout || syscall === 'connect' || syscall === 'getaddrinfo' || error instanceof AggregateError;
}
