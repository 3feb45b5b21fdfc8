// The OpenAPI description and a real door say the same: each answer that the door can give is provoked here, and held against the
// description; and the description has no answer that is not provoked.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { IngestOptions } from '../../src/ingest/ingest-options.ts';
import type { IngestPorts } from '../../src/ingest/ingest-ports.ts';
import { REFUSALS } from '../../src/ingest/problem-kind.ts';
import { Fault, type FaultClass } from '../../src/system/fault.ts';
import { type Answered, AUTHORIZED, OpenDoor } from '../support/open-door.ts';

interface Case {
  readonly title: string;
  readonly status: number;
  /** Undefined for an answer that is no refusal, and for one without a body. */
  readonly kind?: string;
  readonly options?: Partial<IngestOptions>;
  readonly ports?: Partial<IngestPorts>;
  /** Acts on the door before it is asked. */
  readonly before?: (open: OpenDoor) => unknown;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string;
  readonly path?: string;
  /** In place of a correct request. */
  readonly bytes?: string;
}

const broken = (code: string | undefined) => (open: OpenDoor) => {
  open.spool.before = (call) => {
    if (call !== 'begin' && call !== 'find') return;
    if (code === undefined) throw new TypeError('a bug');
    throw new Fault('blocked', 'no', { operation: 'test', subject: 'spool', code });
  };
};
/** What the spool says about the file `a/b` alone. */
const ofFile = (faultClass: FaultClass, code: string) => (open: OpenDoor) => {
  open.spool.before = (call) => {
    if (call !== 'publish' && call !== 'find') return;
    throw new Fault(faultClass, 'no', { operation: 'test', subject: 'a/b', code });
  };
};
const gone = (open: OpenDoor) => {
  open.spool.before = () => {
    throw new Fault('breaker', 'gone', { operation: 'scan', subject: 'spool', code: 'spool-gone' });
  };
};
const room = (left: { freeBytes?: number; freeFiles?: number }) => (open: OpenDoor) =>
  Object.assign(open.spool, left);
/** They can be read when the door opens, and not afterwards. */
const unreadableTokens: Partial<IngestPorts> = {
  tokens: () => {
    let looks = 0;
    return {
      grant() {
        looks += 1;
        if (looks === 1) return 'unknown';
        throw new Fault('blocked', 'no tokens', { operation: 'read', subject: 'tokens' });
      },
    };
  },
};
/** Takes the only place of the door. */
const occupied = async (open: OpenDoor) => {
  const client = await open.connect(
    'PUT /v1/files/slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 9\r\n\r\n',
  );
  while (open.spool.open.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  after(() => client.socket.destroy());
};
/** Asks as many questions as are answered at once. */
const asked = async (open: OpenDoor) => {
  let questions = 0;
  open.spool.before = () => {
    questions += 1;
    return new Promise(() => undefined);
  };
  for (let n = 1; n <= 4; n += 1) {
    const bytes = 'HEAD /v1/files/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n';
    const client = await open.connect(bytes);
    after(() => client.socket.destroy());
  }
  while (questions < 4) await new Promise((resolve) => setTimeout(resolve, 5));
};

const unreadable = (method: string, path: string): readonly Case[] => [
  {
    title: 'two lengths',
    status: 400,
    kind: 'bad-request',
    bytes: `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n`,
  },
  {
    title: 'long headers',
    status: 431,
    kind: 'headers-too-large',
    bytes: `${method} ${path} HTTP/1.1\r\nX: ${'x'.repeat(9000)}`,
  },
  {
    title: 'late headers',
    status: 408,
    kind: 'too-slow',
    bytes: `${method} ${path} HTTP/1.1\r\nHost:`,
    ports: { patience: { headersMs: 500 } },
  },
];

const ANONYMOUS: readonly Case[] = [
  { title: 'no token', status: 401, kind: 'unauthorized', headers: {} },
  { title: 'an unknown token', status: 401, kind: 'unauthorized', headers: { Authorization: 'Bearer x' } },
  { title: 'a mistyped token', status: 401, kind: 'unauthorized', headers: { Authorization: 'Bearer typo' } },
  { title: 'an old token', status: 401, kind: 'token-expired', headers: { Authorization: 'Bearer old' } },
  { title: 'unreadable tokens', status: 503, kind: 'tokens-unreadable', ports: unreadableTokens },
  { title: 'a query', status: 400, kind: 'bad-request', path: '?x=1' },
];

const uploads = (more: readonly Case[]): readonly Case[] => [
  ...ANONYMOUS,
  { title: 'a new file', status: 201, headers: { ...AUTHORIZED, Expect: '100-continue' } },
  { title: 'a path through a file', status: 409, kind: 'name-taken', before: broken('not-a-folder') },
  { title: 'a name that the disk refuses', status: 400, kind: 'bad-name', before: broken('ENAMETOOLONG') },
  { title: 'no length', status: 411, kind: 'length-required', bytes: 'no length' },
  { title: 'a length above the limit', status: 413, kind: 'too-large', options: { maxFileSizeBytes: 3 } },
  {
    title: 'chunks above the limit',
    status: 413,
    kind: 'too-large',
    headers: { ...AUTHORIZED, 'Transfer-Encoding': 'chunked' },
    options: { maxFileSizeBytes: 3 },
  },
  {
    title: 'JSON',
    status: 415,
    kind: 'unsupported-media-type',
    headers: { ...AUTHORIZED, 'Content-Type': 'application/json; charset=utf-8' },
  },
  {
    title: 'a form with files',
    status: 415,
    kind: 'unsupported-media-type',
    headers: { ...AUTHORIZED, 'Content-Type': 'multipart/form-data; boundary=x' },
  },
  {
    title: 'a form',
    status: 415,
    kind: 'unsupported-media-type',
    headers: { ...AUTHORIZED, 'Content-Type': 'application/x-www-form-urlencoded' },
  },
  {
    title: 'a content coding',
    status: 415,
    kind: 'unsupported-media-type',
    headers: { ...AUTHORIZED, 'Content-Encoding': 'gzip' },
  },
  {
    title: 'another expectation',
    status: 417,
    kind: 'expectation-failed',
    headers: { ...AUTHORIZED, Expect: 'payment' },
  },
  {
    title: 'another digest',
    status: 422,
    kind: 'digest-mismatch',
    headers: { ...AUTHORIZED, 'Content-MD5': 'CY9rzUYh03PK3k6DJie09g==' },
  },
  {
    title: 'no digest in its field',
    status: 400,
    kind: 'digest-malformed',
    headers: { ...AUTHORIZED, 'Content-MD5': 'x' },
  },
  {
    title: 'a part of a file',
    status: 400,
    kind: 'bad-request',
    headers: { ...AUTHORIZED, 'Content-Range': 'bytes 0-3/9' },
  },
  {
    title: 'another transfer coding',
    status: 400,
    kind: 'bad-request',
    headers: { ...AUTHORIZED, 'Transfer-Encoding': 'gzip, chunked' },
  },
  {
    title: 'a long backlog',
    status: 429,
    kind: 'backlog-full',
    options: { backlogLimit: { files: 2 } },
    before: ({ door }) => door.setBacklog({ files: 2, bytes: 0, oldestAgeMs: 0, scans: 1 }),
  },
  {
    title: 'a large backlog',
    status: 429,
    kind: 'backlog-full',
    options: { backlogLimit: { bytes: 10 } },
    before: ({ door }) => door.setBacklog({ files: 1, bytes: 8, oldestAgeMs: 0, scans: 1 }),
  },
  {
    title: 'an old backlog',
    status: 429,
    kind: 'backlog-full',
    options: { backlogLimit: { ageMs: 10 } },
    before: ({ door }) => door.setBacklog({ files: 1, bytes: 8, oldestAgeMs: 11, scans: 1 }),
  },
  { title: 'a part of its content', status: 400, kind: 'incomplete', bytes: 'a part' },
  { title: 'a bug', status: 500, kind: 'internal', before: broken(undefined) },
  { title: 'no place', status: 503, kind: 'busy', options: { maxConcurrent: 1 }, before: occupied },
  { title: 'no spool', status: 503, kind: 'spool-unavailable', before: gone },
  {
    title: 'little space',
    status: 507,
    kind: 'disk-full',
    before: room({ freeBytes: 1_000_003 }),
  },
  {
    title: 'a large file',
    status: 507,
    kind: 'no-room',
    before: room({ freeBytes: 3e6 }),
    options: { maxFileSizeBytes: 1e9 },
    headers: { ...AUTHORIZED, 'Content-Length': 3e6, Expect: '100-continue' },
  },
  { title: 'few inodes', status: 507, kind: 'disk-full', before: room({ freeFiles: 5 }) },
  { title: 'a full disk', status: 507, kind: 'disk-full', before: broken('ENOSPC') },
  {
    title: 'a slow client',
    status: 408,
    kind: 'too-slow',
    bytes: 'slow',
    ports: { patience: { windowMs: 50 } },
  },
  ...more,
];

const HEALTH: readonly Case[] = [
  { title: 'all is well', status: 200, headers: {} },
  { title: 'the spool is gone', status: 503, before: gone },
  { title: 'the tokens are gone', status: 503, ports: unreadableTokens },
];
const DESCRIPTION: readonly Case[] = [{ title: 'anything', status: 200, headers: {} }];

const OPERATIONS: Readonly<Record<string, { readonly path: string; readonly cases: readonly Case[] }>> = {
  'PUT /v1/files/{path}': {
    path: '/v1/files/a',
    cases: uploads([
      {
        title: 'the same file',
        status: 200,
        before: ({ spool }) => spool.files.set('a', Buffer.from('body')),
      },
      {
        title: 'another file',
        status: 409,
        kind: 'name-taken',
        before: ({ spool }) => spool.files.set('a', Buffer.from('x')),
      },
      {
        title: 'another file, to be replaced',
        status: 200,
        path: '?replace=true',
        before: ({ spool }) => spool.files.set('a', Buffer.from('x')),
      },
      {
        title: 'a file that is changing',
        ...{ status: 503, kind: 'in-use', path: '/b', before: ofFile('changed', 'changed') },
      },
      {
        title: 'a folder of others',
        ...{ status: 409, kind: 'no-access', path: '/b', before: ofFile('blocked', 'EACCES') },
      },
      { title: 'a hidden name', status: 400, kind: 'bad-name', path: '/.b' },
      { title: 'an ignored name', status: 400, kind: 'ignored-name', path: '.tmp' },
      {
        title: 'a foreign prefix',
        status: 403,
        kind: 'outside-prefix',
        headers: { Authorization: 'Bearer camera' },
      },
    ]),
  },
  'HEAD /v1/files/{path}': {
    path: '/v1/files/a',
    cases: [
      ...ANONYMOUS,
      {
        title: 'the file waits',
        status: 200,
        before: ({ spool }: OpenDoor) => spool.files.set('a', Buffer.from('x')),
      },
      { title: 'no file waits', status: 404, kind: 'not-found' },
      {
        title: 'a file that is changing',
        ...{ status: 503, kind: 'in-use', path: '/b', before: ofFile('changed', 'changed') },
      },
      {
        title: 'a folder of others',
        ...{ status: 409, kind: 'no-access', path: '/b', before: ofFile('blocked', 'EACCES') },
      },
      {
        title: 'a foreign prefix',
        status: 403,
        kind: 'outside-prefix',
        headers: { Authorization: 'Bearer camera' },
      },
      { title: 'a bug', status: 500, kind: 'internal', before: broken(undefined) },
      { title: 'many questions', status: 503, kind: 'busy', before: asked },
    ],
  },
  'POST /v1/files': {
    path: '/v1/files',
    cases: uploads([
      {
        title: 'an ignored extension',
        status: 400,
        kind: 'ignored-name',
        options: { ignore: ['*.jpg'] },
        headers: { ...AUTHORIZED, 'Content-Type': 'image/jpeg' },
      },
    ]),
  },
  'GET /v1/healthz': { path: '/v1/healthz', cases: HEALTH },
  'HEAD /v1/healthz': { path: '/v1/healthz', cases: HEALTH },
  'GET /v1/openapi.json': { path: '/v1/openapi.json', cases: DESCRIPTION },
  'HEAD /v1/openapi.json': { path: '/v1/openapi.json', cases: DESCRIPTION },
};

async function provoke(open: OpenDoor, method: string, path: string, one: Case): Promise<Answered> {
  await one.before?.(open);
  const to = `${path}${one.path ?? ''}`;
  const isUpload = method === 'PUT' || method === 'POST';
  const start = `${method} ${to} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n`;
  if (one.bytes === 'no length') return parsed(await open.raw(`${start}Connection: close\r\n\r\n`));
  if (one.bytes === 'slow') return parsed(await open.raw(`${start}Content-Length: 9\r\n\r\nabc`));
  if (one.bytes === 'a part') {
    const client = await open.connect(`${start}Content-Length: 9\r\n\r\nabc`);
    client.socket.end();
    await client.closed;
    return parsed(client.received);
  }
  if (one.bytes !== undefined) return parsed(await open.raw(one.bytes));
  return open.ask(method, to, one.headers ?? AUTHORIZED, isUpload ? (one.body ?? 'body') : undefined);
}

function parsed(answer: string): Answered {
  const [head = '', body = ''] = answer.split('\r\n\r\n', 2);
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => [
    line.split(':', 1).join('').toLowerCase(),
    line.replace(/^[^:]*: */, ''),
  ]);
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers),
    body,
    continued: false,
  };
}

interface Described {
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

/** The description as the door serves it. */
async function described() {
  const closing: (() => Promise<void>)[] = [];
  const open = await OpenDoor.open({ after: (close) => void closing.push(close as () => Promise<void>) });
  const { body } = await open.ask('GET', '/v1/openapi.json', {});
  for (const close of closing) await close();
  const document = JSON.parse(body);
  const at = (pointer: string) =>
    pointer
      .slice(2)
      .split('/')
      .reduce((value, key) => value[key.replaceAll('~1', '/')], document);
  const ajv = new Ajv2020({ strict: false, formats: { uri: true, 'uri-reference': true, binary: true } });
  ajv.addSchema({ ...document, $id: 'http://api.example/description' });
  const answers = new Map<string, Described>();
  for (const [path, methods] of Object.entries<Record<string, { responses: Record<string, object> }>>(
    document.paths,
  ))
    for (const [method, operation] of Object.entries(methods))
      for (const [status, answer] of Object.entries(operation.responses ?? {}))
        answers.set(
          `${method.toUpperCase()} ${path} ${status}`,
          '$ref' in answer ? at(answer.$ref as string) : answer,
        );
  return { document, at, ajv, answers };
}

const { document, at, ajv, answers } = await described();
const provoked = new Set<string>();
const kinds = new Set<string>();
/** Of HTTP itself, and not of this API. */
const OF_HTTP = ['connection', 'content-length', 'content-type', 'date', 'keep-alive'];

function requireDescribed(answer: Answered, { headers = {}, content = {} }: Described): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const untold = Object.keys(answer.headers).filter((name) => ![...names, ...OF_HTTP].includes(name));
  assert.deepEqual(untold, [], 'headers of the answer that are not in the description');
  for (const [name, { $ref }] of Object.entries(headers)) {
    if (at($ref).required === false && answer.headers[name.toLowerCase()] === undefined) continue;
    const { schema } = at($ref);
    const value = answer.headers[name.toLowerCase()];
    assert.ok(ajv.validate(schema, schema.type === 'integer' ? Number(value) : value), `${name}: ${value}`);
  }
  const [type] = Object.keys(content);
  if (type === undefined) return assert.equal(answer.body, '');
  assert.equal(answer.headers['content-type'], type);
  const { schema } = content[type] ?? {};
  const pointer = pointerOf(schema);
  const validate = ajv.compile({ $ref: `http://api.example/description#${pointer}` });
  assert.ok(validate(JSON.parse(answer.body)), `${answer.body} ${JSON.stringify(validate.errors)}`);
}

/** Where the schema is in the document, because it refers to others there. */
function pointerOf(wanted: unknown): string {
  const search = (value: unknown, path: string): string | undefined => {
    if (value === wanted) return path;
    if (typeof value !== 'object' || value === null) return undefined;
    for (const [key, inner] of Object.entries(value)) {
      const found = search(inner, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return search(document, '') ?? assert.fail('no such schema');
}

test('the description is valid OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(document);
  assert.deepEqual([valid, errors], [true, undefined]);
});

test('each operation of the description is tried', () => {
  const operations = new Set([...answers.keys()].map((answer) => answer.replace(/ \d+$/, '')));
  assert.deepEqual([...operations].sort(), Object.keys(OPERATIONS).sort());
});

for (const [operation, { path, cases }] of Object.entries(OPERATIONS))
  describe(`${operation} is answered as described`, { concurrency: 4 }, () => {
    const [method = ''] = operation.split(' ');
    for (const one of [...cases, ...unreadable(method, path)])
      test(`${one.title}: ${one.status}`, async (t) => {
        const open = await OpenDoor.open(t, one.options, one.ports);
        const answer = await provoke(open, method, path, one);
        assert.equal(answer.status, one.status, answer.body);
        const name = `${operation} ${one.status}`;
        // The method of a request that cannot be read is not known, so its answer has a body.
        const isBodyRead = method !== 'HEAD' || one.bytes === undefined;
        requireDescribed(
          isBodyRead ? answer : { ...answer, body: '' },
          answers.get(name) ?? assert.fail(`${name} is not described`),
        );
        provoked.add(name);
        if (one.kind === undefined || method === 'HEAD') return;
        assert.equal(JSON.parse(answer.body).type, `urn:halfpipe:problem:${one.kind}`);
        kinds.add(one.kind);
      });
  });

describe('what the description does not have', () => {
  for (const [title, method, path, status, kind] of [
    ['no path', 'GET', '/', 404, 'not-found'],
    ['a path that is almost right', 'PUT', '/v1/files%2Fa', 404, 'not-found'],
    ['a path in other letters', 'PUT', '/V1/files/a', 404, 'not-found'],
    ['the name of a route', 'PUT', '/file', 404, 'not-found'],
    ['a method that is not for a file', 'GET', '/v1/files/a', 405, 'method-not-allowed'],
    ['a method that is not for files', 'PUT', '/v1/files', 405, 'method-not-allowed'],
    ['a rare method', 'PROPFIND', '/v1/files/a', 405, 'method-not-allowed'],
    ['a question about options', 'OPTIONS', '/v1/files/a', 405, 'method-not-allowed'],
    ['a change of the description', 'POST', '/v1/openapi.json', 405, 'method-not-allowed'],
  ] as const)
    test(`is refused: ${title}: ${status}`, async (t) => {
      const open = await OpenDoor.open(t);
      const answer = await open.ask(method, path, AUTHORIZED);
      assert.equal(answer.status, status);
      requireDescribed(answer, document.components.responses[status]);
      assert.equal(JSON.parse(answer.body).type, `urn:halfpipe:problem:${kind}`);
      kinds.add(kind);
      const template = path === '/v1/files/a' ? '/v1/files/{path}' : path;
      const there = [...Object.keys(OPERATIONS)].filter((operation) => operation.endsWith(` ${template}`));
      const methods = there.map((operation) => operation.split(' ')[0]).join(', ');
      assert.equal(answer.headers.allow, status === 405 ? methods : undefined);
    });
});

test('the description has no answer that was not provoked, and the table no refusal', () => {
  assert.deepEqual(
    [...answers.keys()].filter((name) => !provoked.has(name)),
    [],
  );
  assert.deepEqual(
    Object.keys(REFUSALS).filter((kind) => !kinds.has(kind)),
    [],
  );
});
