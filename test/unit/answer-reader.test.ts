import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AnswerHead, AnswerReader } from '../../src/transport/answer-reader.ts';

interface Read {
  head: AnswerHead | undefined;
  body: string;
  reader: AnswerReader;
}

/** Reads an answer that arrives in chunks of `chunkBytes`. */
function read(text: string, { method = 'GET', chunkBytes = text.length } = {}): Read {
  const pieces: Buffer[] = [];
  let head: AnswerHead | undefined;
  const reader = new AnswerReader({
    head: (one) => {
      assert.equal(head, undefined, 'an answer has one head');
      head = one;
    },
    piece: (bytes) => pieces.push(Buffer.from(bytes)),
  });
  reader.expect(method);
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.read(bytes.subarray(at, at + chunkBytes));
  return { head, body: Buffer.concat(pieces).toString('latin1'), reader };
}

const CHUNKED =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;name=value\r\n<a>b<\r\n3 \r\n/a>\r\n0\r\nX: y\r\n\r\n';

const ANSWERS: readonly [what: string, text: string, status: number, body: string, method?: string][] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 200, 'hello'],
  ['a length of 0', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 200, ''],
  ['the same length twice', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1\r\n\r\na', 200, 'a'],
  ['chunks', CHUNKED, 200, '<a>b</a>'],
  ['chunks of no bytes', 'HTTP/1.1 500 no\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 500, ''],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
  ['not modified', 'HTTP/1.1 304 \r\nContent-Length: 7\r\n\r\n', 304, ''],
  ['no reason', 'HTTP/1.1 412\r\nContent-Length: 0\r\n\r\n', 412, ''],
  ['a length that is only told', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200, '', 'HEAD'],
  [
    'interim answers',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    200,
    'ok',
  ],
];

describe('an answer is read as it is, in whatever pieces it arrives', () => {
  for (const [what, text, status, body, method = 'GET'] of ANSWERS)
    for (const chunkBytes of [1, 2, 3, 7, text.length])
      test(`with ${what}, ${chunkBytes} bytes at a time`, () => {
        const answer = read(text, { method, chunkBytes });
        assert.deepEqual([answer.head?.statusCode, answer.body], [status, body]);
        assert.equal(answer.reader.isDone, true);
      });
});

test('an answer without a length ends with its connection, which is not used again', () => {
  const { reader, body } = read('HTTP/1.1 200 OK\r\n\r\nas long as it lasts');
  assert.equal(reader.isDone, false);
  assert.deepEqual([reader.end(), body, reader.keepsAlive], [true, 'as long as it lasts', false]);
});

test('a connection that ends in the middle of an answer does not complete it', () => {
  for (const text of [
    '',
    'HTTP/1.1 2',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell',
    CHUNKED.slice(0, -2),
  ])
    assert.equal(read(text).reader.end(), false, JSON.stringify(text));
});

test('headers have names in lower case, values without space around them, and several of one name are one', () => {
  const { head } = read(
    'HTTP/1.1 200 All Right\r\nETag:  "e" \r\nX-A: 1\r\nx-a: 2\r\nEmpty:\r\nContent-Length: 0\r\n\r\n',
  );
  assert.equal(head?.reason, 'All Right');
  assert.deepEqual(head?.headers, { etag: '"e"', 'x-a': '1, 2', empty: '', 'content-length': '0' });
});

test('says whether the connection may carry another request, and for how long', () => {
  const kept = (first: string, ...fields: string[]) => {
    const { reader } = read(`${[first, 'Content-Length: 0', ...fields].join('\r\n')}\r\n\r\n`);
    return [reader.keepsAlive, reader.keptForMs];
  };
  const ever = Number.POSITIVE_INFINITY;
  assert.deepEqual(kept('HTTP/1.1 200 OK'), [true, ever]);
  assert.deepEqual(kept('HTTP/1.1 200 OK', 'Connection: Close'), [false, ever]);
  assert.deepEqual(kept('HTTP/1.0 200 OK'), [false, ever]);
  assert.deepEqual(kept('HTTP/1.0 200 OK', 'Connection: keep-alive'), [true, ever]);
  assert.deepEqual(kept('HTTP/1.1 200 OK', 'Keep-Alive: max=3, timeout=5'), [true, 5_000]);
});

test('an answer with a length and chunks has chunks, and its connection is not used again', () => {
  const { body, reader } = read(CHUNKED.replace('\r\n', '\r\nContent-Length: 3\r\n'));
  assert.deepEqual([body, reader.keepsAlive], ['<a>b</a>', false]);
});

describe('what is not an answer is an error', () => {
  const head = 'HTTP/1.1 200 OK\r\n';
  for (const [what, text, code] of [
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 'HPE_INVALID_CONSTANT'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', 'HPE_INVALID_CONSTANT'],
    ['a status that is no number', 'HTTP/1.1 2OO OK\r\n\r\n', 'HPE_INVALID_CONSTANT'],
    ['another protocol than was asked for', 'HTTP/1.1 101 Switching\r\n\r\n', 'HPE_INVALID_STATUS'],
    ['a header without a name', `${head}no name\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a header that goes on in the next line', `${head}A: b\r\n c\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a space before the colon', `${head}A : b\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a line end within a header', `${head}A: b\nContent-Length: 1\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
    ['a length that is no number', `${head}Content-Length: 1x\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
    ['a negative length', `${head}Content-Length: -1\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
    ['a chunk without a size', `${head}Transfer-Encoding: chunked\r\n\r\nx\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
    [
      'a chunk of a negative size',
      `${head}Transfer-Encoding: chunked\r\n\r\n-1\r\n`,
      'HPE_INVALID_CHUNK_SIZE',
    ],
    [
      'a chunk that is longer than its size',
      `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`,
      'HPE_STRICT',
    ],
    ['bytes after the answer', `${head}Content-Length: 1\r\n\r\nab`, 'HPE_CLOSED_CONNECTION'],
    ['a head without an end', `${head}A: ${'b'.repeat(20_000)}`, 'HPE_HEADER_OVERFLOW'],
    [
      'a chunk size without an end',
      `${head}Transfer-Encoding: chunked\r\n\r\n${'1'.repeat(9_000)}`,
      'HPE_INVALID_CHUNK_SIZE',
    ],
  ] as const)
    test(what, () => {
      assert.throws(() => read(text), { code });
    });
});
