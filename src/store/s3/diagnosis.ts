// Looks up what an operator can do about a failure, when that depends on more than the failure:
// which clock is wrong, which of two names resolves, where the key comes from.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Clock } from '../../system/clock.ts';
import { amended, type Fault } from '../../system/fault.ts';
import type { Proxies } from '../../system/proxies.ts';
import type { Service } from '../../system/service.ts';
import { builtAtMs, hasAddress, isSynchronized } from '../../system/surroundings.ts';
import { askServer } from './ask-server.ts';
import { serverTimeOf, textOf } from './classify.ts';
import { type ClockFacts, clockBehind, isOldSignature, skewHint, validityHint } from './clock-verdict.ts';
import { TLS_CODE } from './connection-kinds.ts';
import { type EndpointOptions, endpointOf } from './endpoint.ts';
import { deniedHint, hintForUnit, NAME_CODES, newKeyHint } from './failure-hints.ts';
import { REFUSED_TIMES } from './second-try.ts';

export interface DiagnosisOptions extends EndpointOptions {
  readonly service: Service;
  readonly proxies: Proxies;
  readonly clock: Clock;
}

const LOOKUP_PATIENCE_MS = 5_000;
const OUT_OF_TIME = new Set(['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED']);
const NO_ROUTE = new Set(['ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTUNREACH', 'ERR_CONNECT_TIMEOUT']);

/**
 * Finds better hints, after a failure and for the hint only. Look-ups take a few seconds at most.
 * One decision changes: a request that waited too long for its turn becomes `transient`.
 */
export class Diagnosis {
  readonly #options: DiagnosisOptions;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
  }

  /** Resolves with the fault, with a hint that fits this machine if there is one. Never rejects. */
  async of(fault: Fault): Promise<Fault> {
    const { hint } = fault;
    const found = await this.#of(fault);
    const fitting = found.hint && hintForUnit(found.hint, this.#options.service.unit);
    return fitting === hint && found === fault ? fault : withHint(found, fitting);
  }

  async #of(fault: Fault): Promise<Fault> {
    const code = fault.code ?? '';
    if (REFUSED_TIMES.has(code)) return this.#refusedTime(fault);
    if (OUT_OF_TIME.has(code)) return this.#outOfTime(fault, code);
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return this.#otherName(fault);
    if (TLS_CODE.test(code))
      return withHint(fault, clockBehind({ wallMs: this.#wallMs, builtAtMs: builtAtMs() }));
    if (NAME_CODES.has(code)) return this.#unresolved(fault);
    if (NO_ROUTE.has(code)) return this.#unreachable(fault);
    return withHint(fault, newKeyHint(code, this.#options.service) ?? deniedHint(fault));
  }

  get #wallMs(): number {
    return this.#options.clock.wallMs();
  }

  #clockFacts(serverMs: number | undefined): ClockFacts {
    return { wallMs: this.#wallMs, builtAtMs: builtAtMs(), serverMs, isSynchronized: isSynchronized() };
  }

  /** A request that waited too long for its turn says nothing about clocks. */
  #refusedTime(fault: Fault): Fault {
    const facts = this.#clockFacts(serverTimeOf(fault.cause));
    if (isOldSignature(facts))
      return amended(fault, {
        faultClass: 'transient',
        hint: 'The request waited too long for its turn on the link; halfpipe signs and sends it again.',
      });
    return withHint(fault, skewHint(facts));
  }

  async #outOfTime(fault: Fault, code: string): Promise<Fault> {
    const endpoint = await endpointOf(this.#options);
    const isDirect = this.#options.proxies.https === undefined;
    const { serverMs, validFrom, validTo } = isDirect ? await askServer(endpoint) : NOTHING_KNOWN;
    const limit =
      code === 'CERT_NOT_YET_VALID' ? validFrom && `from ${validFrom}` : validTo && `on ${validTo}`;
    return withHint(fault, validityHint(code, this.#clockFacts(serverMs), limit));
  }

  /**
   * The certificate is valid for the endpoint's own name, but not with the bucket's name in front
   * of it.
   */
  #otherName(fault: Fault): Fault {
    const own = this.#ownHost();
    const names = textOf(fault.cause, 'altnames');
    if (own === undefined || names === undefined) return fault;
    const certificate = { subjectaltname: names, subject: {} } as PeerCertificate;
    if (checkServerIdentity(own, certificate) !== undefined) return fault;
    return withHint(
      fault,
      `The certificate is for ${own}, and not for ${this.#options.bucket}.${own}: set s3.forcePathStyle: true.`,
    );
  }

  async #unresolved(fault: Fault): Promise<Fault> {
    const own = this.#ownHost();
    if (own === undefined || !(await this.#resolves(own))) return fault;
    return withHint(
      fault,
      `${this.#options.bucket}.${own} does not resolve, and ${own} does: set s3.forcePathStyle: true.`,
    );
  }

  async #unreachable(fault: Fault): Promise<Fault> {
    if (hasAddress('IPv4') || !hasAddress('IPv6')) return fault;
    const { host } = await endpointOf(this.#options);
    const addresses = isIP(host) === 0 ? await addressesOf(host) : [host];
    if (addresses.length === 0 || addresses.some((address) => isIP(address) === 6)) return fault;
    const remedy =
      this.#options.endpoint === undefined
        ? 'set AWS_USE_DUALSTACK_ENDPOINT=true in /etc/default/halfpipe, then restart halfpipe'
        : 'name an endpoint that has an IPv6 address in s3.endpoint, or give this machine an IPv4 address';
    return withHint(fault, `This machine has no IPv4 address, and ${host} has no other: ${remedy}.`);
  }

  /**
   * Resolves with true if the name resolves within a few seconds. The name server may be what is
   * down.
   */
  async #resolves(host: string): Promise<boolean> {
    const answered = new AbortController();
    const late = this.#options.clock.sleep(LOOKUP_PATIENCE_MS, answered.signal).catch(() => undefined);
    const addresses = await Promise.race([addressesOf(host), late]);
    answered.abort();
    return addresses !== undefined && addresses.length > 0;
  }

  /** The endpoint's own name, if requests put the bucket's name in front of it. */
  #ownHost(): string | undefined {
    const { endpoint, forcePathStyle } = this.#options;
    if (endpoint === undefined || forcePathStyle || !URL.canParse(endpoint)) return undefined;
    const { hostname } = new URL(endpoint);
    return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? hostname : undefined;
  }
}

const NOTHING_KNOWN = { serverMs: undefined, validFrom: undefined, validTo: undefined };

function withHint(fault: Fault, hint: string | undefined): Fault {
  return hint === undefined ? fault : amended(fault, { hint });
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    // A name that does not resolve has no address.
    return [];
  }
}
