// Lets in only a request that knows the token.
import { createHash, timingSafeEqual } from 'node:crypto';
import { BASIC_CHALLENGE, credentialIn } from './shown-credential.ts';

/** The comparison takes the same time for every wrong token. */
export class TokenGate {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** What a request without the token is told. */
  static readonly CHALLENGES: readonly string[] = [BASIC_CHALLENGE, 'Bearer realm="halfpipe"'];

  /** `authorization` is the header. */
  admits(authorization: string | undefined): boolean {
    const token = credentialIn(authorization);
    return token !== undefined && this.#matches(token);
  }

  #matches(token: string): boolean {
    return timingSafeEqual(digest(token), this.#digest);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
