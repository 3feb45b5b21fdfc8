// A store that answers without end fills no memory.
import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { classify } from '../../src/store/s3/classify.ts';
import type { HttpRequest } from '../../src/transport/http-request.ts';
import type { AnswerSink } from '../../src/transport/outgoing-request.ts';
import { SdkHandler } from '../../src/transport/sdk-handler.ts';

const PIECE = Buffer.alloc(65_536, 'x');
const LONGEST_BYTES = 8 * 1024 ** 2;
const PUT = { method: 'PUT', protocol: 'http:', hostname: 'h', port: undefined, path: '/b/k', headers: {} };
const GET = { ...PUT, method: 'GET', query: { 'x-id': 'GetObject' } };
const request = (head: object) => ({ query: {}, ...head }) as HttpRequest;

/** Answers with this status, and then with `bytes` in pieces like `piece`, as they are asked for. */
function answering(statusCode: number, bytes = Number.POSITIVE_INFINITY, piece = PIECE) {
  const sent = { bytes: 0, isGivenUp: false };
  const send = (sink: AnswerSink) => {
    if (sent.isGivenUp) return;
    if (sent.bytes >= bytes) return sink.ended();
    sent.bytes += piece.byteLength;
    sink.piece(piece);
  };
  const handler = new SdkHandler({
    begin: (_head, _body, sink) => {
      process.nextTick(() => sink.answered({ statusCode, reason: '', headers: {} }));
      return {
        // Sooner, and each piece would be told within the call about the one before.
        read: () => process.nextTick(send, sink),
        abort: () => {
          sent.isGivenUp = true;
        },
      };
    },
    close: () => undefined,
  });
  return { handler, sent };
}

const body = async (handler: SdkHandler, head: object) => {
  const { response } = await handler.handle(request(head));
  return text(response.body as Readable);
};

/** Both ways in which an answer is kept whole. */
const WAYS: Record<string, (handler: SdkHandler) => Promise<unknown>> = {
  'to a small put': (handler) => handler.exchange(request(PUT), PIECE, new AbortController().signal),
  'to another request': (handler) => body(handler, PUT),
  'to a listing': (handler) => body(handler, { ...GET, query: { uploads: '' } }),
};
for (const [which, ask] of Object.entries(WAYS))
  for (const statusCode of [200, 403])
    test(`an answer ${statusCode} ${which} that does not end is given up`, async () => {
      const { handler, sent } = answering(statusCode);
      const error = await ask(handler).catch((reason: unknown) => reason);
      assert.ok(sent.isGivenUp && sent.bytes <= LONGEST_BYTES, `${sent.bytes} bytes were taken`);
      const { faultClass, code, hint } = classify(error, 'put object', 'k', 0);
      assert.deepEqual([faultClass, code], ['transient', 'ERR_HTTP_ANSWER_TOO_LONG']);
      assert.match(`${hint}`, /check s3.endpoint/);
    });

test('pieces of one byte are counted as the memory that they take', async () => {
  const { handler, sent } = answering(200, undefined, Buffer.alloc(1));
  const asked = handler.exchange(request(PUT), PIECE, new AbortController().signal);
  await assert.rejects(asked, { code: 'ERR_HTTP_ANSWER_TOO_LONG' });
  assert.ok(sent.bytes < 40_000, `${sent.bytes} pieces were taken`);
});

test('an object is as long as it is, and the refusal of one is not', async () => {
  const bytes = 2 * LONGEST_BYTES;
  assert.equal((await body(answering(206, bytes).handler, GET)).length, bytes);
  await assert.rejects(body(answering(404, bytes).handler, GET), { code: 'ERR_HTTP_ANSWER_TOO_LONG' });
});

test('an answer of nearly the longest length is passed on', async () => {
  const bytes = LONGEST_BYTES - PIECE.byteLength;
  assert.equal((await body(answering(200, bytes).handler, PUT)).length, bytes);
});
