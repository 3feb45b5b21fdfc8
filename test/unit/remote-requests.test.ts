// What the main thread orders of the sending thread, and when it stops to.
import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { type Order, PIECE_BYTES, type RequestNotice } from '../../src/thread/messages.ts';
import { RemoteRequests } from '../../src/thread/remote-requests.ts';
import type { HttpAnswer, HttpRequest } from '../../src/transport/http-request.ts';

const WANTS: RequestNotice = { kind: 'wantsBody', id: 1, empty: new ArrayBuffer(PIECE_BYTES) };

/** A request of four pieces is under way; the first two have been handed over. */
function begun() {
  const orders: Order[] = [];
  const requests = new RemoteRequests((order) => void orders.push(order));
  const stop = new AbortController();
  const request = {
    ...{ method: 'PUT', protocol: 'http:', hostname: 'localhost', path: '/', query: {}, headers: {} },
    body: Buffer.alloc(4 * PIECE_BYTES),
  } as unknown as HttpRequest;
  const handled = requests.handler(1).handle(request, { abortSignal: stop.signal });
  const kinds = () => orders.splice(0).map(({ kind }) => kind);
  assert.deepEqual(kinds(), ['request', 'body']);
  const answer = (body: Uint8Array | undefined) =>
    requests.receive({ kind: 'answer', id: 1, head: { statusCode: 200, reason: 'OK', headers: {} }, body });
  return { requests, handled, stop, kinds, answer };
}

const bodyOf = ({ response }: HttpAnswer) => response.body as Readable;

test('a piece of the body follows each one that was sent, until there is no more', () => {
  const { requests, kinds } = begun();
  requests.receive(WANTS);
  assert.deepEqual(kinds(), ['body']);
  for (let piece = 0; piece < 3; piece += 1) requests.receive(WANTS);
  assert.deepEqual(kinds(), ['body']);
});

test('a body in shared memory crosses as it is, all at once', () => {
  const orders: [order: Order, moved: ArrayBuffer | undefined][] = [];
  const requests = new RemoteRequests((order, moved) => void orders.push([order, moved]));
  const place = { protocol: 'http:', hostname: 'localhost', port: undefined, path: '/', query: {} };
  const head = { ...place, method: 'PUT', headers: {} };
  const body = new Uint8Array(new SharedArrayBuffer(4 * PIECE_BYTES), 10);
  void requests.handler(1).exchange(head, body, new AbortController().signal);
  const [[order, moved] = []] = orders;
  assert.equal(orders.length, 1);
  assert.equal(order?.kind === 'request' && order.piece, body);
  assert.equal(moved, undefined);
});

test('tells how much of a body has not been sent, as last reported', () => {
  const { requests } = begun();
  const unsent = () => [...requests.progress()].map(({ unsentBytes }) => unsentBytes);
  assert.deepEqual(unsent(), [4 * PIECE_BYTES]);
  requests.noteSent([
    [1, PIECE_BYTES],
    [7, 5],
  ]);
  assert.deepEqual(unsent(), [3 * PIECE_BYTES]);
});

test('an answer that comes before the whole body was sent ends the sending, and lets go of the rest', async () => {
  const { requests, handled, kinds, answer } = begun();
  answer(undefined);
  const pieces = bodyOf(await handled);
  requests.receive(WANTS);
  assert.deepEqual(kinds(), []);
  requests.receive({ kind: 'answerEnd', id: 1 });
  assert.deepEqual(await pieces.toArray(), []);
});

test('an answer that comes whole ends the request', async () => {
  const { requests, handled, kinds, answer } = begun();
  answer(new Uint8Array(3));
  assert.equal(requests.underWay, 0);
  requests.receive(WANTS);
  assert.deepEqual([kinds(), Buffer.concat(await bodyOf(await handled).toArray()).length], [[], 3]);
});

test('nothing is sent of a request that was given up, and it is given up once', async () => {
  const { requests, handled, stop, kinds } = begun();
  stop.abort();
  await assert.rejects(handled, { name: 'AbortError' });
  requests.receive(WANTS);
  assert.deepEqual([kinds(), requests.underWay], [['abort'], 0]);
});

test('an answer that was read to its end is not given up afterwards', async () => {
  const { requests, handled, stop, kinds, answer } = begun();
  answer(undefined);
  const pieces = bodyOf(await handled);
  requests.receive({ kind: 'answerBody', id: 1, piece: new Uint8Array(3) });
  requests.receive({ kind: 'answerEnd', id: 1 });
  assert.equal(Buffer.concat(await pieces.toArray()).length, 3);
  stop.abort();
  assert.deepEqual(
    kinds().filter((kind) => kind === 'abort'),
    [],
  );
});
