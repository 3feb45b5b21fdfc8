// npm run bench:slow: what gets through a line that is slower than link.capacity, and at the floor, to a server that hangs
// up on connections whose headers do not come for 10 s. Prints a table. Asserts nothing. As root.
import { once } from 'node:events';
import { appendFileSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CrossTraffic } from './cross-traffic.ts';
import { FarSide } from './far-side.ts';
import { LINK_INTERFACE, LinkTestbed, missingForTestbed } from './link-testbed.ts';
import { runTag } from './run-tag.ts';
import { fillSpool } from './spool-files.ts';
import { TOOLS } from './tools.ts';

const USAGE = `npm run bench:slow -- [options]            as root
  --line 0.25,0.5,1,2  Mbit/s that the line takes, behind --capacity
  --capacity 50        Mbit/s that link.capacity says
  --floor 1,2,20       Mbit/s of links whose others send 65 % from the beginning: halfpipe is at its floor, 1 %
  --files 200KB,8MiB   sizes of files
  --seconds 900        how long each is watched
  --at-once 1          cases that run beside each other, each on a link of its own
  --out DIR            for logs (./var/bench)`;

const { values } = parseArgs({
  options: {
    line: { type: 'string', default: '0.25,0.5,1,2' },
    capacity: { type: 'string', default: '50' },
    floor: { type: 'string', default: '1,2,20' },
    files: { type: 'string', default: '200KB,8MiB' },
    seconds: { type: 'string', default: '900' },
    'at-once': { type: 'string', default: '1' },
    out: { type: 'string', default: './var/bench' },
    help: { type: 'boolean', default: false },
  },
});

const SIZES: Readonly<Record<string, number>> = { '20KB': 20_000, '200KB': 200_000, '8MiB': 8 * 1024 ** 2 };
const HEADERS_MS = 10_000;
const OTHERS_PERCENT = 65;
/** They are stopped when the figures are there, on a busy machine late: what leaves without them is not the floor. */
const OTHERS_LONGER_MS = 60_000;
const FLOOR_SHARE = 0.01;
const LINE_LATENCY_MS = 300;
const STATS_EVERY_MS = 5_000;

interface Case {
  readonly title: string;
  readonly lineMbit: number;
  readonly capacityMbit: number;
  /** What should get through, in bits a second. */
  readonly dueBitsPerSec: number;
  readonly isFloor: boolean;
  readonly fileBytes: number;
}

function cases(): Case[] {
  const numbers = (list: string) => list.split(',').filter(Boolean).map(Number);
  return values.files.split(',').flatMap((file) => {
    const fileBytes = SIZES[file];
    if (fileBytes === undefined) throw new Error(`--files ${file}: ${Object.keys(SIZES).join(', ')}`);
    const lines = numbers(values.line).map((mbit) => ({
      title: `${file}, line of ${mbit} Mbit/s behind ${values.capacity}`,
      ...{ lineMbit: mbit, capacityMbit: Number(values.capacity), dueBitsPerSec: mbit * 1e6 },
      ...{ isFloor: false, fileBytes },
    }));
    const floors = numbers(values.floor).map((mbit) => ({
      title: `${file}, floor of ${mbit} Mbit/s`,
      ...{ lineMbit: mbit, capacityMbit: mbit, dueBitsPerSec: mbit * 1e6 * FLOOR_SHARE },
      ...{ isFloor: true, fileBytes },
    }));
    return [...lines, ...floors];
  });
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const obstacles = missingForTestbed(['iperf3']);
  if (obstacles.length > 0) throw new Error(obstacles.join('\n'));
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  console.log(
    '| case | goodput, % | received per byte stored or under way | most connections | timed out | broken off | files | silent s | sent by the card per byte received |',
  );
  console.log('|---|---|---|---|---|---|---|---|---|');
  const waiting = cases();
  const nextCases = async (): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
      console.log(await onItsOwnLink(one, out));
  };
  await Promise.all(Array.from({ length: Number(values['at-once']) }, nextCases));
}

async function onItsOwnLink(one: Case, out: string): Promise<string> {
  const testbed = new LinkTestbed();
  const folder = mkdtempSync(join(tmpdir(), `${runTag()}-`));
  testbed.atStop(() => rmSync(folder, { recursive: true, force: true }));
  const far = new FarSide(testbed, 'null', folder);
  try {
    testbed.start(100);
    return await run(one, testbed, far, join(folder, 'trial'), out);
  } finally {
    far.close();
    testbed.stop();
  }
}

async function run(one: Case, testbed: LinkTestbed, far: FarSide, folder: string, out: string) {
  const [halfpipe] = TOOLS;
  if (halfpipe === undefined) throw new Error('there is no halfpipe');
  testbed.setRate(one.lineMbit, LINE_LATENCY_MS);
  rmSync(folder, { recursive: true, force: true });
  const seconds = Number(values.seconds);
  const spool = join(folder, 'spool');
  const enoughBytes = (one.dueBitsPerSec * seconds * 1.2) / 8;
  fillSpool(spool, one.fileBytes, Math.max(40, Math.ceil(enoughBytes / one.fileBytes)));
  const endpoint = await far.start(0, HEADERS_MS);
  const capacityBitsPerSec = one.capacityMbit * 1e6;
  const { command, args, env } = halfpipe.invocation({
    ...{
      spool,
      folder,
      endpoint,
      capacityBitsPerSec,
      sharePercent: 50,
      concurrency: undefined,
      waits: false,
      ingest: undefined,
    },
  });
  const log = openSync(join(out, `slow-${nameOf(one)}.log`), 'w');
  const others = new CrossTraffic(testbed);
  const abort = new AbortController();
  await others.start();
  const flows = one.isFloor
    ? [{ fromMs: 0, toMs: seconds * 1000 + OTHERS_LONGER_MS, flow: { udpPercent: OTHERS_PERCENT } }]
    : [];
  const playing = others.play(flows, capacityBitsPerSec, abort.signal).catch(() => undefined);
  await sleep(2_000);
  const child = testbed.spawn('near', command, args, { env, stdio: ['ignore', log, log] });
  const exited = once(child, 'exit');
  const before = sentBytes(testbed);
  try {
    await watch(far, join(out, `slow-${nameOf(one)}.jsonl`), seconds);
    const served = await far.stats();
    if (served === undefined) throw new Error('the null server says nothing');
    const sent = sentBytes(testbed) - before;
    const { receivedBytes, underWayBytes, bytes, mostConnections, timedOut, brokenOff, objects } = served;
    const goodput = ((bytes + underWayBytes) * 800) / seconds / one.dueBitsPerSec;
    const figures = [
      ...[goodput.toFixed(1), (receivedBytes / (bytes + underWayBytes)).toFixed(3), mostConnections],
      ...[timedOut, brokenOff, objects, (served.longestPauseMs / 1000).toFixed(1)],
      one.isFloor ? '–' : (sent / receivedBytes).toFixed(3),
    ];
    return `| ${one.title} | ${figures.join(' | ')} |`;
  } finally {
    abort.abort();
    child.kill('SIGKILL');
    await exited;
    await playing;
    others.stop();
    far.stop();
    closeSync(log);
  }
}

function nameOf({ title }: Case): string {
  return title.replaceAll(/[^\w.]+/g, '-');
}

/** What the server has seen, every few seconds: tells when a figure went wrong. */
async function watch(far: FarSide, path: string, seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = untilMs - performance.now()) {
    await sleep(Math.min(STATS_EVERY_MS, leftMs));
    appendFileSync(path, `${JSON.stringify(await far.stats())}\n`);
  }
}

function sentBytes(testbed: LinkTestbed): number {
  return Number(testbed.run('near', 'cat', [`/sys/class/net/${LINK_INTERFACE}/statistics/tx_bytes`]));
}

await main();
