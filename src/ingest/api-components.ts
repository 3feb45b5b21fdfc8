// The parts of the API's description that its operations share. The answers that refuse a request
// come from the table that the door answers by.
import { type ProblemKind, REFUSALS } from './problem-kind.ts';
import { PROBLEM_TYPE } from './refusal.ts';

const DIGEST = 'sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:';

export const ref = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });
export const headers = (...names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, ref('headers', name)]));

/** Every answer has them. */
export const COMMON = ['Cache-Control', 'Server', 'X-Content-Type-Options'];
export type Status = (typeof REFUSALS)[ProblemKind]['status'];

const HEADERS_BY_STATUS: Readonly<Partial<Record<Status, readonly string[]>>> = {
  401: ['WWW-Authenticate'],
  405: ['Allow'],
  415: ['Accept-Encoding'],
  429: ['Retry-After'],
  503: ['Retry-After'],
  507: ['Retry-After'],
};

const text = (description: string, schema: object = {}, more: object = {}) => ({
  description,
  schema: { type: 'string', ...schema },
  ...more,
});

const HEADERS = {
  'Accept-Encoding': text('Only when a content coding is the reason.', { const: 'identity' }),
  Allow: text('The methods that exist here.'),
  'Cache-Control': text('No answer is kept.', { const: 'no-store' }),
  'Content-Length': {
    description: 'The size of the file in bytes.',
    schema: { type: 'integer', minimum: 0 },
  },
  'Content-Type': text('Not known, so the general type of bytes.', { const: 'application/octet-stream' }),
  Location: text('The path of the file, for HEAD.', { format: 'uri-reference' }),
  'Repr-Digest': text(
    'The SHA-256 of the file (RFC 9530).',
    { pattern: '^sha-256=:[A-Za-z0-9+/]{43}=:$' },
    { example: DIGEST },
  ),
  'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } },
  Server: text('The program, without its version.', { const: 'halfpipe' }),
  'WWW-Authenticate': text('How a token is shown, and what is wrong with this one (RFC 6750).', {
    pattern: '^Bearer ',
  }),
  'X-Content-Type-Options': text('Browsers do not guess a type.', { const: 'nosniff' }),
};

const field = (name: string, description: string, example: string) => ({
  ...{ name, in: 'header', description, example },
  schema: { type: 'string' },
});

const PARAMETERS = {
  path: {
    ...{ name: 'path', in: 'path', required: true, example: 'camera-7/2026-11-27/0001.jpg' },
    description:
      'The path below the spool, percent-encoded; / between folders is not encoded. UTF-8, without control characters; no part is empty, begins with a dot, or is ignored by spool.ignore.',
    schema: { type: 'string', minLength: 1, maxLength: 3072 },
  },
  replace: {
    ...{ name: 'replace', in: 'query', description: 'true: another file of this name is replaced.' },
    schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
  },
  'Content-Digest': field('Content-Digest', 'Verified: sha-256 and sha-512 (RFC 9530).', DIGEST),
  'Repr-Digest': field('Repr-Digest', 'Verified: sha-256 and sha-512 (RFC 9530).', DIGEST),
  'Content-MD5': field('Content-MD5', 'Verified: the MD5 in base64.', 'CY9rzUYh03PK3k6DJie09g=='),
};

const SCHEMAS = {
  Stored: {
    type: 'object',
    required: ['path', 'size', 'sha256'],
    additionalProperties: false,
    properties: {
      path: { type: 'string', description: 'Below the spool.', examples: ['camera-7/0001.jpg'] },
      size: { type: 'integer', minimum: 0, description: 'In bytes.' },
      sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    },
  },
  Problem: {
    type: 'object',
    required: ['type', 'title', 'status', 'detail'],
    properties: {
      type: { type: 'string', format: 'uri', description: 'Stable: programs decide by it.' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string', description: 'What to do about it, for people.' },
    },
  },
};

/** Every header is in each answer that names it, except `optional`. */
function required(all: Readonly<Record<string, object>>, optional: string): Record<string, object> {
  return Object.fromEntries(
    Object.entries(all).map(([name, header]) => [name, { ...header, required: name !== optional }]),
  );
}

/** Answers by their status: every kind of refusal is in one of them. */
function responses(): Record<string, unknown> {
  const kinds = Object.entries(REFUSALS);
  const statuses = [...new Set(kinds.map(([, { status }]) => status))].sort();
  const entries = statuses.flatMap((status) => {
    const own = kinds.filter(([, refusal]) => refusal.status === status);
    const description = own.map(([kind, { title }]) => `${kind}: ${title}.`).join(' ');
    const type = { enum: own.map(([kind]) => `${PROBLEM_TYPE}${kind}`) };
    const title = { enum: own.map(([, { title: words }]) => words) };
    const properties = { type, title, status: { const: status } };
    const schema = { allOf: [ref('schemas', 'Problem'), { properties }] };
    const shared = { description, headers: headers(...COMMON, ...(HEADERS_BY_STATUS[status] ?? [])) };
    return [
      [`${status}`, { ...shared, content: { 'application/problem+json': { schema } } }] as const,
      [`${status}-head`, shared] as const,
    ];
  });
  return Object.fromEntries(entries);
}

export function components(): Record<string, unknown> {
  return {
    headers: required(HEADERS, 'Accept-Encoding'),
    parameters: PARAMETERS,
    schemas: SCHEMAS,
    responses: responses(),
  };
}
