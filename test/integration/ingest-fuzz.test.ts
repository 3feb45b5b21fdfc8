// Thousands of requests that no correct client sends, at a real door before a real spool. FUZZ_RUNS and SEED choose others.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { REFUSALS } from '../../src/ingest/problem-kind.ts';
import { Deposits } from '../../src/spool/deposits.ts';
import { printable } from '../../src/system/printable.ts';
import { hostileBytes } from '../support/hostile-requests.ts';
import { test } from '../support/nothing-left.ts';
import { OpenDoor } from '../support/open-door.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

const RUNS = Number(process.env.FUZZ_RUNS ?? 2_000);
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const AT_ONCE = 32;
const STATUSES = new Set([100, 200, 201, ...Object.values(REFUSALS).map(({ status }) => status)]);

/** Sends bytes, and resolves with the answer when that is whole, or when the connection ends. */
async function answerTo(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  let received = '';
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
    const [, length] =
      /^HTTP\/1\.1 [2-5](?:.*\r\n)*?Content-Length: (\d+)\r\n(?:.*\r\n)*?\r\n/m.exec(received) ?? [];
    const end = received.lastIndexOf('\r\n\r\n') + 4;
    if (length !== undefined && (bytes.startsWith('HEAD') || received.length - end >= Number(length)))
      socket.destroy();
  });
  socket.write(Buffer.from(bytes, 'latin1'));
  await closed;
  return received;
}

const descriptors = () => readdirSync('/proc/self/fd').length;

test('hostile requests: none escapes from the spool, none is half done, none is left open', async (t) => {
  const disk = await TemporarySpool.create(t);
  await disk.open(t);
  await writeFile(join(disk.base, 'precious'), 'x');
  const deposits = await Deposits.open(disk.path, { syncsAtOnce: 4 });
  t.after(() => deposits.close());
  const patience = { headersMs: 300, idleMs: 300, windowMs: 300, lingerMs: 30 };
  const { port, events } = await OpenDoor.open(t, { maxConcurrent: 64 }, { deposits, patience });
  const openBefore = descriptors();
  const answers = new Map<string, number>();
  const work = fc.sample(hostileBytes, { numRuns: RUNS, seed: SEED });
  const send = async () => {
    for (let bytes = work.pop(); bytes !== undefined; bytes = work.pop()) {
      const received = await answerTo(port, bytes);
      const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status = '']) => status);
      for (const status of statuses) {
        const isKnown = STATUSES.has(Number(status)) && status !== '500';
        assert.ok(isKnown, `SEED=${SEED}: ${JSON.stringify(bytes)} is answered with ${received}`);
      }
      const told = statuses.at(-1) ?? 'none';
      answers.set(told, (answers.get(told) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, send));
  assert.deepEqual(
    events.filter(({ kind }) => kind === 'fault'),
    [],
    `SEED=${SEED}`,
  );
  const created = events.flatMap((event) => (event.kind === 'ingested' ? [event.path] : []));
  const there = await readdir(disk.path, { recursive: true, withFileTypes: true });
  const files = there.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const inSpool = files
    .map((file) => relative(disk.path, file))
    .filter((file) => !file.startsWith('.halfpipe/'));
  assert.deepEqual(
    inSpool.map((name) => printable(name)).sort(),
    [...new Set(created)].sort(),
    `SEED=${SEED}`,
  );
  assert.deepEqual((await readdir(disk.base)).sort(), ['precious', 'spool']);
  assert.deepEqual(
    (await disk.kept()).filter((name) => name.includes('deposit-')),
    [],
    'half of a file is left',
  );
  for (let look = 0; descriptors() > openBefore && look < 100; look++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  const openAfter = descriptors();
  assert.ok(openAfter <= openBefore, `${openBefore} descriptors were open before, ${openAfter} after`);
  const told = [...answers].sort().map(([status, count]) => `${status}: ${count}`);
  t.diagnostic(
    `SEED=${SEED}: ${RUNS} requests, ${inSpool.length} files; answers ${told.join(', ')}; descriptors ${openBefore} before, ${openAfter} after`,
  );
  assert.ok(RUNS < 1_000 || (inSpool.length > RUNS / 100 && answers.size > 10), told.join());
});
