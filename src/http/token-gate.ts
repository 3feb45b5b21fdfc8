// Lets in only a request that knows the token. Programs send it as `Authorization: Bearer TOKEN`;
// a browser asks for a user and a password: any user, with the token as password.
import { createHash, timingSafeEqual } from 'node:crypto';

/** The comparison takes the same time for every wrong token. */
export class TokenGate {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  /** What a request without the token is told, for RFC 9110, section 11.6.1. */
  static readonly CHALLENGES: readonly string[] = [
    'Basic realm="halfpipe", charset="UTF-8"',
    'Bearer realm="halfpipe"',
  ];

  /** `authorization` is the header. */
  admits(authorization: string | undefined): boolean {
    const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
    switch (scheme.toLowerCase()) {
      case 'bearer':
        return this.#matches(credentials);
      case 'basic':
        return this.#matches(
          Buffer.from(credentials, 'base64')
            .toString('utf8')
            .replace(/^[^:]*:/, ''),
        );
      default:
        return false;
    }
  }

  #matches(token: string): boolean {
    return timingSafeEqual(digest(token), this.#digest);
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
