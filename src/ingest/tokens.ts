// Which requests may bring files, and below which folder.
import { timingSafeEqual } from 'node:crypto';
import { credentialIn } from '../http/shown-credential.ts';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { digestOf, isToken } from './token.ts';
import { readTokenFile, versionOf } from './token-file.ts';
import type { StoredToken } from './token-list.ts';

/** What the holder of a token may do. */
export interface Grant {
  readonly name: string;
  /** The folder below which it may write, such as `camera-7/`; empty for the whole spool. */
  readonly prefix: string;
  readonly expiresAtMs: number | undefined;
  /** No other token is valid. */
  readonly isOnly: boolean;
}

/**
 * Why a request is not let in: it shows no token or one that is not in the file, one whose check
 * digits say that it was mistyped or cut short, or one that has expired.
 */
export type Refusal = 'unknown' | 'mistyped' | 'expired';

/**
 * The tokens of `ingest.tokensFile`. The file is looked at for each request, so that a change takes
 * effect at once.
 */
export class Tokens {
  readonly #file: string;
  readonly #clock: Pick<Clock, 'wallMs'>;
  #version: string | undefined;
  #stored: readonly StoredToken[] | Fault = [];

  constructor(file: string, clock: Pick<Clock, 'wallMs'>) {
    this.#file = file;
    this.#clock = clock;
  }

  /**
   * `authorization` is the header: a Bearer token, or any user with the token as password. Blocks
   * for some microseconds. Throws a Fault when the file cannot be read or is not a tokens file; no
   * request is let in then.
   */
  grant(authorization: string | undefined): Grant | Refusal {
    const stored = this.#read();
    const token = credentialIn(authorization);
    if (token === undefined) return 'unknown';
    const found = find(stored, digestOf(token));
    if (found === undefined) return isToken(token) ? 'unknown' : 'mistyped';
    const { name, prefix, expiresAtMs } = found;
    const nowMs = this.#clock.wallMs();
    if (!isValid(found, nowMs)) return 'expired';
    const isOnly = !stored.some((other) => other !== found && isValid(other, nowMs));
    return { name, prefix, expiresAtMs, isOnly };
  }

  #read(): readonly StoredToken[] {
    const version = versionOf(this.#file);
    if (version !== this.#version) this.#readAnew(version);
    if (this.#stored instanceof Fault) throw this.#stored;
    return this.#stored;
  }

  /** Refused content is not read again before the file changes. Any other failure passes. */
  #readAnew(version: string): void {
    try {
      const file = readTokenFile(this.#file);
      this.#stored = file.tokens;
      this.#version = file.version;
    } catch (error) {
      if (!(error instanceof Fault) || !(error.cause instanceof RangeError)) throw error;
      this.#stored = error;
      this.#version = version;
    }
  }
}

function isValid({ expiresAtMs }: StoredToken, nowMs: number): boolean {
  return expiresAtMs === undefined || nowMs < expiresAtMs;
}

/** Takes the same time whichever token it is, and if it is none of them. */
function find(stored: readonly StoredToken[], digest: Buffer): StoredToken | undefined {
  let found: StoredToken | undefined;
  for (const token of stored) if (timingSafeEqual(token.sha256, digest)) found = token;
  return found;
}
