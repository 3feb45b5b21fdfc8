// The secret that a request shows. Programs send it as `Authorization: Bearer TOKEN`; a browser or
// a camera asks for a user and a password: any user, with the token as password.

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
