// The secret that a request shows. Programs send it as `Authorization: Bearer TOKEN`; a browser or
// a camera asks for a user and a password: any user, with the token as password.

/**
 * What a client that has shown none is asked for (RFC 9110, section 11.6.1): many browsers and
 * cameras show a password only then.
 */
export const BASIC_CHALLENGE = 'Basic realm="halfpipe", charset="UTF-8"';

/** Undefined if the header holds none. `authorization` is the header. */
export function credentialIn(authorization: string | undefined): string | undefined {
  const [, scheme = '', credentials = ''] = /^(\S+) +(\S+) *$/.exec(authorization ?? '') ?? [];
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials;
    case 'basic':
      return Buffer.from(credentials, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '');
    default:
      return undefined;
  }
}
