// The last gate before a log line, a status and a crash message: it lets no credential, no
// Authorization header and no presigned URL through. If in doubt, it hides: a file named
// `password=x` loses its name in the log, never in the spool.
import { proxyPasswords } from './proxies.ts';

const HIDDEN = '[redacted]';

/** Names of fields whose value is always a secret. Compared without case, `-` and `_`. */
const SECRET_FIELDS =
  /^(?:(?:proxy)?authorization|(?:set)?cookie|(?:xamz|aws)?(?:secret|session|security|access)?(?:accesskey(?:id)?|secretkey|token|secret|password|passwd|credentials?|signature))$/;

/** A quoted or bare value, up to whatever ends it in a header, a query, JSON or XML. */
const VALUE = String.raw`(?:[^\s"'&<>,;]+)`;
const ASSIGN = String.raw`(?:\\?["']?\s*(?:[:=]|%3D)\s*\\?["']?)`;

/** Without one of these, none of the patterns below matches. Most texts have none. */
const MARK =
  /AWS4-|authorization|cookie|X-Amz-|AWSAccessKeyId|Signature|secret|session_?token|security_?token|passw|AKIA|ASIA|hp_|\/\//i;

const SECRET_TEXT: readonly [RegExp, string][] = [
  // A whole header of Signature Version 4: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…,
  // Signature=…`.
  [/\bAWS4-[A-Z0-9-]+\s+Credential=[^\r\n]*?(?:Signature=[^\s"'&<>,;]*|(?=["'\r\n])|$)/gi, HIDDEN],
  [
    new RegExp(String.raw`\b((?:proxy-)?authorization|(?:set-)?cookie)${ASSIGN}[^\r\n"']+`, 'gi'),
    `$1=${HIDDEN}`,
  ],
  // Presigned URLs: Signature Version 4, then version 2.
  [new RegExp(`(X-Amz-(?:Signature|Credential|Security-Token))${ASSIGN}${VALUE}`, 'gi'), `$1=${HIDDEN}`],
  [new RegExp(`([?&](?:AWSAccessKeyId|Signature))${ASSIGN}${VALUE}`, 'gi'), `$1=${HIDDEN}`],
  [
    new RegExp(
      `((?:secret_?access_?key|session_?token|security_?token|secret_?key|passw(?:or)?d))${ASSIGN}${VALUE}`,
      'gi',
    ),
    `$1=${HIDDEN}`,
  ],
  // Access key ids: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
  [/\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g, HIDDEN],
  // Tokens of `halfpipe token add`. A file of a scanner may begin with hp_, too, and be shorter.
  [/\bhp_[0-9A-Za-z]{30,}/g, HIDDEN],
  [/\/\/[^/\s:@]*:[^/\s@]+@/g, `//${HIDDEN}@`],
];

/** Whether a field of this name is hidden completely, for the names that were asked for. */
const secretNames = new Map<string, boolean>();
const SECRET_NAMES_MAX = 1_000;

/** True if a field of this name is hidden completely. */
export function isSecretField(name: string): boolean {
  const known = secretNames.get(name);
  if (known !== undefined) return known;
  const isSecret = SECRET_FIELDS.test(name.toLowerCase().replaceAll(/[-_]/g, ''));
  if (secretNames.size < SECRET_NAMES_MAX) secretNames.set(name, isSecret);
  return isSecret;
}

export type Redact = (text: string) => string;

/** Hides everything that looks like a secret, and every secret that `env` holds. */
export function redactorOf(env: Readonly<Record<string, string | undefined>>): Redact {
  const { AWS_SECRET_ACCESS_KEY: key = '', AWS_SESSION_TOKEN: token = '' } = env;
  return redactor([key, token, ...proxyPasswords(env)]);
}

/**
 * Hides everything that looks like a secret, and every occurrence of the given ones. It does not
 * promise to hide a secret of unknown form that was not given.
 */
export function redactor(knownSecrets: readonly string[]): Redact {
  // A short "secret" is a placeholder. Hiding every `x` would make the log unreadable.
  const known = knownSecrets.filter((secret) => secret.length >= 8);
  // One secret may be the beginning of another, whose end would otherwise stay.
  known.sort((one, other) => other.length - one.length);
  return (text) => {
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, HIDDEN);
    if (!MARK.test(clean)) return clean;
    for (const [pattern, replacement] of SECRET_TEXT) clean = clean.replace(pattern, replacement);
    return clean;
  };
}
