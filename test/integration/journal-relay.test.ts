// Entries on their way to journald, which is played by a socket of the test's own.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { JournalRelay } from '../../src/log/journal-relay.ts';
import type { LogStream } from '../../src/log/line-sink.ts';
import { journalFields } from '../support/journal-fields.ts';
import { test } from '../support/nothing-left.ts';

/** Prints each datagram in hexadecimal. */
const JOURNALD = `
  use Socket; $| = 1;
  socket(my $in, AF_UNIX, SOCK_DGRAM, 0) or die; bind($in, pack_sockaddr_un(shift)) or die $!;
  print "bound\\n";
  while (defined recv($in, my $entry, 1 << 20, 0)) { print unpack('H*', $entry), "\\n" }`;

const skip = spawnSync('perl', ['-MSocket', '-e', '1']).status === 0 ? false : 'needs perl';

async function journald(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-journald-'));
  const socket = join(folder, 'socket');
  const perl = spawn('perl', ['-e', JOURNALD, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(async () => {
    perl.kill('SIGKILL');
    await once(perl, 'exit');
    rmSync(folder, { recursive: true });
  });
  const lines = createInterface(perl.stdout);
  const entries: Map<string, string>[] = [];
  await once(lines, 'line');
  lines.on('line', (line) => entries.push(new Map(journalFields(Buffer.from(line, 'hex')))));
  const received = async (count: number) => {
    while (entries.length < count) await once(lines, 'line');
    return entries;
  };
  return { socket, perl, entries, received };
}

class Stdout implements LogStream {
  readonly writableLength = 0;
  readonly lines: string[] = [];

  write(text: string, done?: () => void): boolean {
    if (text !== '') this.lines.push(text);
    done?.();
    return true;
  }

  on(_event: 'error', listener: (error: Error) => void): void {
    this.fail = () => listener(new Error('EPIPE'));
  }

  fail: () => void = () => undefined;
}

function relayTo(t: TestContext, socket: string, path?: string) {
  const stdout = new Stdout();
  const relay = new JournalRelay(stdout, (record) => `line of ${JSON.parse(record).i}`);
  relay.start({ socket, ...(path !== undefined && { path }) });
  t.after(() => endRelay());
  return {
    stdout,
    relay,
    log: (...numbers: number[]) => {
      const records = numbers.map((i) => JSON.stringify({ level: 'info', msg: 'm', i }));
      relay.write(records.map((record) => `${record}\n`).join(''));
    },
  };
}

function flushed(relay: JournalRelay): Promise<void> {
  return new Promise((resolve) => relay.write('', resolve));
}

/** Its process has a name of its own. */
function helpers(): number[] {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '),
  );
  return children
    .filter(
      (pid) =>
        pid.trim() !== '' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('halfpipe-journal'),
    )
    .map(Number);
}

function endRelay(): void {
  for (const pid of helpers()) process.kill(pid, 'SIGKILL');
}

test('journald gets every record with its fields, in order, and stdout gets none', { skip }, async (t) => {
  const { socket, received } = await journald(t);
  const { stdout, relay, log } = relayTo(t, socket);
  for (let i = 0; i < 200; i += 1) log(i);
  log(...Array.from({ length: 300 }, (_, i) => 200 + i));
  await flushed(relay);
  assert.equal(relay.writableLength, 0);
  const entries = await received(500);
  assert.deepEqual(
    entries.map((entry) => entry.get('HALFPIPE_I')),
    Array.from({ length: 500 }, (_, i) => String(i)),
  );
  assert.deepEqual(stdout.lines, []);
});

test('the helper ends with the log', { skip }, async (t) => {
  const { socket, received } = await journald(t);
  const { stdout, relay, log } = relayTo(t, socket);
  log(1);
  await flushed(relay);
  await received(1);
  assert.deepEqual([helpers(), stdout.lines], [[], []]);
});

test('what journald does not take goes to stdout', { skip }, async (t) => {
  const { stdout, relay, log } = relayTo(t, '/nonexistent/socket');
  log(1);
  log(2, 3);
  await flushed(relay);
  assert.deepEqual(stdout.lines, ['line of 1\n', 'line of 2\n', 'line of 3\n']);
});

test('no record is lost when the helper is killed, and further ones go to stdout', { skip }, async (t) => {
  const { socket, perl, entries, received } = await journald(t);
  const { stdout, relay, log } = relayTo(t, socket);
  log(0);
  await received(1);
  // Nobody reads: the queue of the socket fills, and the rest stays with us.
  perl.kill('SIGSTOP');
  for (let i = 1; i < 500; i += 1) log(i);
  endRelay();
  await flushed(relay);
  assert.equal(stdout.lines[0], 'line of undefined\n', 'the notice');
  log(500);
  perl.kill('SIGCONT');
  const inLines = stdout.lines.slice(1).map((line) => Number(/\d+/.exec(line)?.[0]));
  assert.equal(inLines.at(-1), 500);
  await received(Math.min(...inLines));
  const seen = new Set([...entries.map((entry) => Number(entry.get('HALFPIPE_I'))), ...inLines]);
  assert.equal(seen.size, 501);
});

test('the end of stdout is none while journald takes entries', { skip }, async (t) => {
  const { socket, received } = await journald(t);
  const { stdout, relay, log } = relayTo(t, socket);
  let ended = 0;
  relay.on('error', () => {
    ended += 1;
  });
  stdout.fail();
  assert.equal(ended, 0);
  log(1);
  await received(1);
  endRelay();
  while (stdout.lines.length === 0) await new Promise(setImmediate);
  stdout.fail();
  assert.equal(ended, 1);
});

test('without perl all goes to stdout', async (t) => {
  const { stdout, relay, log } = relayTo(t, '/nonexistent/socket', '/nonexistent');
  log(1);
  await flushed(relay);
  log(2, 3);
  assert.deepEqual(stdout.lines.slice(-2), ['line of 1\n', 'line of 2\nline of 3\n']);
});
