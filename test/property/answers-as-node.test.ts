// Our reader of answers beside Node's: what both accept, they read alike, in whatever pieces it arrives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AnswerHead, AnswerReader } from '../../src/transport/answer-reader.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** What is read of the bytes, which are all that the server sends; undefined if it is no answer. */
function readByUs(chunks: readonly Buffer[], method: string): Answer | undefined {
  let head: AnswerHead | undefined;
  const body: Buffer[] = [];
  const reader = new AnswerReader({
    head: (one) => {
      head = one;
    },
    piece: (bytes) => body.push(Buffer.from(bytes)),
  });
  reader.expect(method);
  try {
    for (const chunk of chunks) if (!reader.isDone) reader.read(chunk);
  } catch {
    if (!reader.isDone) return undefined;
  }
  if (!reader.end() || head === undefined) return undefined;
  return { status: head.statusCode, headers: head.headers, body: Buffer.concat(body).toString('latin1') };
}

async function readByNode(port: number, method: string): Promise<Answer | undefined> {
  try {
    const sent = request({ port, host: '127.0.0.1', method, agent: false }).end();
    sent.on('error', () => undefined);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    const body = Buffer.concat(await answer.toArray()).toString('latin1');
    return { status: answer.statusCode ?? 0, headers: answer.headers, body };
  } catch {
    return undefined;
  }
}

const token = fc.stringMatching(/^x-[a-z]{1,5}$/);
const value = fc.stringMatching(/^[!-~]{0,9}$/);
const text = fc.stringMatching(/^[a-z\r\n]{0,40}$/);
const framed = fc
  .tuple(text, fc.constantFrom('length', 'chunked', 'close', 'wrong length'))
  .map(([body, how]) => {
    if (how === 'chunked') {
      const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`;
      return ['Transfer-Encoding: chunked\r\n', `${chunk}0\r\n\r\n`];
    }
    if (how === 'close') return ['', body];
    return [`Content-Length: ${body.length + (how === 'length' ? 0 : 3)}\r\n`, body];
  });
const answers = fc
  .record({
    version: fc.constantFrom('1.1', '1.0', '1.1', '3.9'),
    status: fc.constantFrom(200, 204, 304, 400, 412, 500),
    fields: fc.array(fc.tuple(token, value), { maxLength: 3 }),
    framed,
    damage: fc.option(fc.tuple(fc.nat(), fc.constantFrom(' ', '\r', '\n', ':', '\0', 'x')), { freq: 4 }),
  })
  .map(({ version, status, fields, framed: [length, body], damage }) => {
    const lines = [...new Map(fields)].map(([name, of]) => `${name}: ${of}\r\n`);
    const whole = `HTTP/${version} ${status} OK\r\n${lines.join('')}${length}\r\n${body}`;
    if (damage === null) return { whole, isDamaged: false };
    const at = damage[0] % whole.length;
    return { whole: whole.slice(0, at) + damage[1] + whole.slice(at + 1), isDamaged: true };
  });

test('an answer is read as Node reads it, in whatever pieces it arrives', async (t) => {
  let sends = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(sends));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  let accepted = 0;
  const property = fc.asyncProperty(
    answers,
    fc.constantFrom('GET', 'HEAD', 'PUT'),
    fc.integer({ min: 1, max: 30 }),
    async ({ whole, isDamaged }, method, chunkBytes) => {
      sends = Buffer.from(whole, 'latin1');
      const chunks: Buffer[] = [];
      for (let at = 0; at < sends.length; at += chunkBytes) chunks.push(sends.subarray(at, at + chunkBytes));
      const [ours, nodes] = [readByUs(chunks, method), await readByNode(port, method)];
      // Of a damaged answer, we may refuse what Node tolerates.
      if (isDamaged && ours === undefined) return;
      assert.deepEqual(ours && { ...ours }, nodes && { ...nodes, headers: { ...nodes.headers } });
      if (ours !== undefined) accepted += 1;
    },
  );
  await fc.assert(property, { numRuns: 400 });
  assert.ok(accepted > 100, `only ${accepted} answers were accepted`);
});
