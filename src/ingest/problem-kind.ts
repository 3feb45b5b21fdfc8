// Every answer that refuses a request, in one table. The server answers with its status and title,
// the log and the counters name its kind, and the OpenAPI description lists it.

export interface RefusalAnswer {
  readonly status: number;
  /** The `title` of the problem details (RFC 9457): the same words for each answer of this kind. */
  readonly title: string;
}

/**
 * By the stable word that ends the `type` of the problem details. A word is never reused for
 * another meaning; the list may grow.
 */
export const REFUSALS = {
  'bad-name': { status: 400, title: 'The path cannot be the name of a file in the spool' },
  'ignored-name': { status: 400, title: 'The spool ignores files of this name' },
  'bad-request': { status: 400, title: 'The request is malformed' },
  'digest-malformed': { status: 400, title: 'A digest field is malformed' },
  incomplete: { status: 400, title: 'The connection ended before the content was complete' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  'token-expired': { status: 401, title: 'The token has expired' },
  'outside-prefix': { status: 403, title: 'The token may not write to this path' },
  'not-found': { status: 404, title: 'There is nothing at this path' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'too-slow': { status: 408, title: 'The client sends too slowly' },
  'name-taken': { status: 409, title: 'Another file has this name' },
  'no-access': { status: 409, title: 'halfpipe has no access to this path' },
  'length-required': { status: 411, title: 'The length of the content is needed' },
  'too-large': { status: 413, title: 'The file is too large' },
  'unsupported-media-type': { status: 415, title: 'The content must be the bytes of the file alone' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'digest-mismatch': { status: 422, title: 'The digest differs from that of the received bytes' },
  'backlog-full': { status: 429, title: 'The backlog is at its limit: try again later' },
  'headers-too-large': { status: 431, title: 'The header fields are too large' },
  internal: { status: 500, title: 'An unexpected error' },
  busy: { status: 503, title: 'Too many uploads at once: try again later' },
  'in-use': { status: 503, title: 'The file under this name is changing: try again later' },
  'spool-unavailable': { status: 503, title: 'The spool cannot be written to: try again later' },
  'tokens-unreadable': { status: 503, title: 'Tokens cannot be checked: try again later' },
  'disk-full': { status: 507, title: "The spool's disk has too little space" },
  'no-room': { status: 507, title: 'The file does not fit into what is free now' },
} as const satisfies Readonly<Record<string, RefusalAnswer>>;

/** Why a request was refused. */
export type ProblemKind = keyof typeof REFUSALS;
