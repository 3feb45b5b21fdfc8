import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogStream } from '../../src/log/line-sink.ts';
import { createLogger, type LogOptions } from '../../src/log/log.ts';
import type { Clock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';

const NOON = new Date(2026, 0, 2, 12, 34, 56).getTime();
const stoppedClock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => NOON,
  sleep: (_ms, signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
  schedule: () => () => undefined,
};

class CapturedStdout implements LogStream {
  readonly fd: number;
  readonly isTTY: boolean;
  writableLength = 0;
  lines: string[] = [];
  #onError: (error: Error) => void = () => undefined;

  constructor(isTTY = false, fd = -1) {
    this.isTTY = isTTY;
    this.fd = fd;
  }

  write(text: string, done?: () => void): boolean {
    if (text !== '') this.lines.push(text);
    done?.();
    return true;
  }

  on(_event: 'error', listener: (error: Error) => void): void {
    this.#onError = listener;
  }

  fail(): void {
    this.#onError(new Error('EPIPE'));
  }

  get records(): Record<string, unknown>[] {
    const lines = this.lines.flatMap((written) => written.trimEnd().split('\n'));
    return lines.map((line) => JSON.parse(line));
  }
}

/** Each line is a turn of its own, unless `options` say otherwise. */
function logTo(stdout: CapturedStdout, options: Partial<LogOptions> = {}) {
  const atTurnsEnd: LogOptions['atTurnsEnd'] = (callback) => callback();
  const test = { clock: stoppedClock, stdout, atTurnsEnd };
  return createLogger({ level: 'info', format: 'auto', env: {}, ...test, ...options });
}

test('a terminal gets one readable line', () => {
  const stdout = new CapturedStdout(true);
  logTo(stdout).info(
    { event: 'uploaded', bytes: 98_200, file: 'a/b.jpg' },
    'uploaded  a/b.jpg → key  98.2 kB in 0.31 s',
  );
  assert.deepEqual(stdout.lines, ['12:34:56 INFO  uploaded  a/b.jpg → key  98.2 kB in 0.31 s\n']);
});

test('trouble on a terminal shows the fields its message does not tell', () => {
  const stdout = new CapturedStdout(true);
  const error = new Fault('breaker', 'Access Denied', {
    operation: 'put object',
    subject: 'a.jpg',
    code: 'AccessDenied',
    hint: 'allow s3:PutObject',
    cause: new Error('403'),
  });
  logTo(stdout).warn({ event: 'drainPaused', error, waitMs: 30_000 }, 'a.jpg: Access Denied');
  assert.deepEqual(stdout.lines, [
    '12:34:56 WARN  a.jpg: Access Denied  waitMs=30000 causes=["403"] faultClass=breaker operation="put object" ' +
      'code=AccessDenied hint="allow s3:PutObject"\n',
  ]);
});

test('anything but a terminal gets JSON', () => {
  const stdout = new CapturedStdout();
  logTo(stdout).info(
    { event: 'uploaded', bytes: 3, big: 12n, file: { toString: () => 'a.jpg' } },
    'uploaded 100%s of a.jpg',
  );
  assert.deepEqual(stdout.records, [
    {
      level: 'info',
      time: new Date(NOON).toISOString(),
      event: 'uploaded',
      bytes: 3,
      big: '12',
      file: 'a.jpg',
      msg: 'uploaded 100%s of a.jpg',
    },
  ]);
});

test('lines for journald carry their priority, and text leaves the time to the journal', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const fd = openSync(join(folder, 'stdout'), 'w');
  t.after(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  for (const [format, expected] of [
    ['text', 'well'],
    ['json', '{'],
  ] as const) {
    const stdout = new CapturedStdout(false, fd);
    const log = logTo(stdout, { level: 'debug', format, env: { JOURNAL_STREAM: `${dev}:${ino}` } });
    for (const level of ['fatal', 'error', 'warn', 'info', 'debug'] as const)
      log[level]({ event: 'test' }, 'well');
    assert.deepEqual(
      stdout.lines.map((line) => line.slice(0, 3)),
      ['<2>', '<3>', '<4>', '<6>', '<7>'],
    );
    for (const line of stdout.lines) assert.ok(line.slice(3).startsWith(expected), line);
  }
});

test('a JOURNAL_STREAM inherited from somebody else is not believed', (t) => {
  const fd = openSync('/dev/null', 'w');
  t.after(() => closeSync(fd));
  for (const JOURNAL_STREAM of ['1:2', '', 'nonsense']) {
    for (const stdout of [new CapturedStdout(false, fd), new CapturedStdout(false, 1_000_000)]) {
      logTo(stdout, { env: { JOURNAL_STREAM } }).info({ event: 'test' }, 'well');
      assert.equal(stdout.lines[0]?.[0], '{');
    }
  }
});

test('a hostile file name stays on its line and moves no cursor', () => {
  const hostile = 'a\n<0>b\x1b[2J\x9b1m\u202e\u2028\u2029\x7f\ud800.jpg';
  for (const isTTY of [true, false]) {
    const stdout = new CapturedStdout(isTTY);
    logTo(stdout).warn({ event: 'x', file: hostile, [hostile]: [hostile] }, `cannot read ${hostile}`);
    assert.equal(stdout.lines.length, 1);
    const line = stdout.lines[0]?.slice(0, -1) ?? '';
    assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
    if (!isTTY) assert.equal(JSON.parse(line).file, hostile);
  }
});

test('no secret of a failed request survives in any form', () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
  const url = `https://s3/b?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F1&X-Amz-Signature=${'5d'.repeat(32)}`;
  const sdkError = Object.assign(new Error(`GET ${url} failed`), {
    $metadata: { httpStatusCode: 403, requestId: 'R1' },
    $response: {
      headers: {
        authorization: `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/1, Signature=${'5d'.repeat(32)}`,
      },
    },
    code: 'SignatureDoesNotMatch',
  });
  for (const isTTY of [true, false]) {
    const stdout = new CapturedStdout(isTTY);
    const log = logTo(stdout, { env: { AWS_SECRET_ACCESS_KEY: secret } });
    log.error(
      { event: 'x', error: sdkError, nested: { list: [sdkError], sessionToken: 'hello' }, url },
      `failed with ${secret}`,
    );
    log.error({ event: 'x', error: new Error('outer', { cause: sdkError }), [url]: 1 }, url);
    const text = stdout.lines.join('');
    for (const hidden of ['AKIA', '5d5d', secret, 'hello', '$response'])
      assert.ok(!text.includes(hidden), `${hidden} in ${text}`);
    assert.match(text, /httpStatus"?[:=]403/);
  }
});

test('a failed connection without a message of its own is named by its parts', () => {
  const stdout = new CapturedStdout();
  const refused = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')], '');
  logTo(stdout).warn({ event: 'x', error: new Error('no answer', { cause: refused }) }, 'no answer');
  assert.deepEqual(stdout.records[0]?.causes, ['connect ECONNREFUSED 127.0.0.1:1']);
});

test('errors that cause each other end', () => {
  const stdout = new CapturedStdout();
  const a = new Error('a');
  const b = new Error('b', { cause: a });
  a.cause = b;
  logTo(stdout).warn({ event: 'x', error: a }, 'round');
  assert.deepEqual(stdout.records[0]?.causes, ['b', 'a', 'b', 'a', 'b']);
});

test('a record is bounded however large its fields are', () => {
  const stdout = new CapturedStdout();
  const long = 'x'.repeat(100_000);
  logTo(stdout).info({ event: 'x', long, many: Array(1000).fill(1), raw: Buffer.alloc(9) }, long);
  assert.ok((stdout.lines[0]?.length ?? 0) < 10_000);
  assert.equal(stdout.records[0]?.raw, '9 bytes');
});

test('the names of many files are all in the record, and not in a line of text', () => {
  const file = Array.from({ length: 500 }, (_, at) => `f${at}`);
  const [json, terminal] = [new CapturedStdout(), new CapturedStdout(true)];
  for (const stdout of [json, terminal]) logTo(stdout).warn({ event: 'deferred', file }, 'deferred f0');
  assert.deepEqual(json.records[0]?.file, file);
  assert.deepEqual(terminal.lines, ['12:34:56 WARN  deferred f0\n']);
});

test('the level changes while running', () => {
  const stdout = new CapturedStdout();
  const log = logTo(stdout);
  log.debug({ event: 'x' }, 'unseen');
  log.level = 'debug';
  log.debug({ event: 'x' }, 'seen');
  log.level = 'error';
  log.warn({ event: 'x' }, 'unseen');
  assert.deepEqual(
    stdout.records.map(({ msg }) => msg),
    ['seen'],
  );
});

test('a slow reader costs lines, not memory, and is told how many', () => {
  const stdout = new CapturedStdout();
  const log = logTo(stdout);
  stdout.writableLength = 2 ** 21;
  for (let i = 0; i < 1000; i += 1) log.info({ event: 'x' }, 'lost');
  assert.equal(stdout.lines.length, 0);
  stdout.writableLength = 0;
  log.info({ event: 'x' }, 'again');
  assert.deepEqual(
    stdout.records.map(({ event, lines, msg }) => [event, lines, msg]),
    [
      ['logLost', 1000, '1000 log lines lost: the reader of the log is too slow'],
      ['x', undefined, 'again'],
    ],
  );
});

/** A log whose turn ends when the test says so. */
function logInOneTurn() {
  const stdout = new CapturedStdout();
  const ends: (() => void)[] = [];
  const log = logTo(stdout, { atTurnsEnd: (callback) => ends.push(callback) });
  const endTurn = () => {
    for (const end of ends.splice(0)) end();
  };
  return { stdout, log, endTurn, written: () => stdout.lines.map((text) => text.split('\n').length - 1) };
}

test('the lines of one turn are written at once, in their order', () => {
  const { stdout, log, endTurn, written } = logInOneTurn();
  for (let i = 0; i < 3; i += 1) log.info({ event: 'x', i }, 'line');
  assert.deepEqual(written(), []);
  endTurn();
  assert.deepEqual(written(), [3]);
  log.info({ event: 'x', i: 3 }, 'line');
  endTurn();
  assert.deepEqual(written(), [3, 1]);
  assert.deepEqual(
    stdout.records.map(({ i }) => i),
    [0, 1, 2, 3],
  );
});

for (const level of ['warn', 'error', 'fatal'] as const)
  test(`a line of the level ${level} does not wait, and the lines before it go first`, () => {
    const { stdout, log, endTurn, written } = logInOneTurn();
    log.info({ event: 'x' }, 'before');
    log[level]({ event: 'x' }, 'trouble');
    assert.deepEqual(written(), [2]);
    endTurn();
    assert.deepEqual(
      stdout.records.map(({ msg }) => msg),
      ['before', 'trouble'],
    );
  });

test('nothing of a turn is lost when the process exits or flushes in it, or when it logs much', async () => {
  const { stdout, log, endTurn, written } = logInOneTurn();
  log.info({ event: 'x' }, 'line');
  log.writeBatch();
  assert.deepEqual(written(), [1]);
  log.info({ event: 'x' }, 'line');
  await log.flush();
  assert.deepEqual(written(), [1, 1]);
  for (let i = 0; i < 100; i += 1) log.info({ event: 'x', padding: 'x'.repeat(1000) }, 'line');
  assert.ok(written().length > 2, 'a batch is bounded');
  endTurn();
  assert.equal(stdout.records.length, 102);
});

test('a reader that went away ends the log and nothing else', async () => {
  const stdout = new CapturedStdout();
  const log = logTo(stdout);
  stdout.fail();
  log.info({ event: 'x' }, 'to nobody');
  await log.flush();
  assert.deepEqual(stdout.lines, []);
});

test('flush waits for the reader', async () => {
  const stdout = new CapturedStdout();
  let taken: (() => void) | undefined;
  stdout.write = (_text, done) => {
    taken = done;
    return false;
  };
  let flushed = false;
  const flush = logTo(stdout)
    .flush()
    .then(() => {
      flushed = true;
    });
  await Promise.resolve();
  assert.equal(flushed, false);
  taken?.();
  await flush;
});
