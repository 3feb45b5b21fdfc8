// npm run bench:drain: what a file and a gigabyte cost when nothing limits the link: builds of halfpipe, rclone and the AWS
// CLI in turns on one machine, to a server that discards or to Ceph. The median of the rounds is printed as Markdown. Asserts
// nothing. --idle and --quarter measure a daemon with nothing to do, and one on a quarter of a core (as root).
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchDisk } from './bench-disk.ts';
import { type Contender, halfpipe, OTHERS } from './drain-contenders.ts';
import { idleRow } from './drain-idle.ts';
import { quarterRows } from './drain-quarter.ts';
import { describeDrain, drainTable, medianOf, writeDrains } from './drain-report.ts';
import { type DrainFigures, drainOnce } from './drain-run.ts';
import { type DrainServer, discardServer, rgwServer, type ServerKind } from './drain-server.ts';
import { runTag } from './run-tag.ts';
import { fillSpool } from './spool-files.ts';

const WORKS = {
  '20KB': { files: 5_000, bytes: 20_000, limitSec: 300 },
  '200KB': { files: 5_000, bytes: 200_000, limitSec: 300 },
  '20MB': { files: 50, bytes: 20_000_000, limitSec: 300 },
  '2GB': { files: 1, bytes: 2_000_000_000, limitSec: 300 },
  million: { files: 1_000_000, bytes: 1_000, limitSec: 120 },
} as const;
export type WorkName = keyof typeof WORKS;

const USAGE = `npm run bench:drain -- [options]
  --work a,b           ${Object.keys(WORKS).join(',')} (all but the million)
  --tools a,b          halfpipe,${OTHERS.map(({ name }) => name).join(',')} (halfpipe,rclone,aws)
  --dist a=DIR,b=DIR   builds of halfpipe to compare (this checkout's)
  --server a           null|null-tls|rgw: discards, the same over TLS, Ceph (null)
  --rounds 3           the median is printed
  --files N            fewer files, or more
  --content random     text: lines that shrink to about a third
  --rtt 0              the round trip to a server that discards, in ms
  --disk DIR           where the spools are made, or loop: an ext4 in memory (/dev/shm)
  --idle               a daemon with nothing to do: memory, CPU time, from drop to removal
  --quarter            on a quarter of one core: half of 20 Mbit/s with 20 KB files
  --write              puts the tables into test/bench/README.md`;

const { values } = parseArgs({
  options: {
    work: { type: 'string', default: '20KB,200KB,20MB,2GB' },
    tools: { type: 'string', default: 'halfpipe,rclone,aws' },
    dist: { type: 'string' },
    server: { type: 'string', default: 'null' },
    rounds: { type: 'string', default: '3' },
    files: { type: 'string' },
    content: { type: 'string', default: 'random' },
    rtt: { type: 'string', default: '0' },
    disk: { type: 'string', default: '/dev/shm' },
    idle: { type: 'boolean', default: false },
    quarter: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function builds(): Contender[] {
  if (values.dist === undefined) return [halfpipe()];
  return values.dist.split(',').map((pair) => {
    const [name = '', dist] = pair.includes('=') ? pair.split('=') : ['halfpipe', pair];
    return halfpipe(name, dist);
  });
}

function contenders(): Contender[] {
  const chosen = values.tools.split(',').flatMap((name) => {
    if (name === 'halfpipe') return builds();
    const found = OTHERS.filter((other) => other.name === name);
    if (found.length === 0) throw new Error(`--tools ${name}: there is no such tool\n${USAGE}`);
    return found;
  });
  return chosen.filter((one) => {
    const missing = one.missing();
    if (missing !== undefined) console.log(`Without ${one.name}: ${missing}`);
    return missing === undefined;
  });
}

function works(): WorkName[] {
  return values.work.split(',').map((name) => {
    const found = (Object.keys(WORKS) as WorkName[]).find((one) => one === name);
    if (found === undefined) throw new Error(`--work ${name}: there is no such work\n${USAGE}`);
    return found;
  });
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const kind = (['null', 'null-tls', 'rgw'] as const).find((one) => one === values.server);
  if (kind === undefined) throw new Error(`--server ${values.server}: null, null-tls or rgw`);
  const place = benchDisk(values.disk);
  const folder = mkdtempSync(join(place.folder, `${runTag()}-`));
  const undo = () => {
    rmSync(folder, { recursive: true, force: true });
    place.remove();
  };
  process.once('exit', undo);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  if (values.quarter) return console.log(await quarterRows(builds(), folder));
  if (values.idle) {
    for (const build of builds()) console.log(await idleRow(build, folder));
    return;
  }
  await compare(kind, folder, place.description);
}

async function compare(kind: ServerKind, folder: string, place: string): Promise<void> {
  const all = contenders();
  const rgw = kind === 'rgw' ? rgwServer(folder) : undefined;
  const tables: string[] = [describeDrain(all, kind, place)];
  console.log(tables[0]);
  try {
    for (const name of works()) {
      const rounds = new Map<string, DrainFigures[]>(all.map((one) => [one.name, []]));
      for (let round = 0; round < Number(values.rounds); round++)
        for (const one of round % 2 === 0 ? all : all.toReversed()) {
          const server = rgw ?? (await discardServer(kind === 'null-tls', Number(values.rtt)));
          try {
            rounds
              .get(one.name)
              ?.push(await drain(one, name, server, folder, `${name}-${round}-${one.name}`));
          } finally {
            if (rgw === undefined) server.stop();
          }
        }
      const table = drainTable(
        name,
        new Map([...rounds].map(([tool, figures]) => [tool, medianOf(figures)])),
      );
      console.log(table);
      tables.push(table);
    }
  } finally {
    rgw?.stop();
  }
  if (values.write) writeDrains(kind, tables);
}

async function drain(
  contender: Contender,
  work: WorkName,
  server: DrainServer,
  folder: string,
  prefix: string,
): Promise<DrainFigures> {
  const { files, bytes, limitSec } = { ...WORKS[work], ...(values.files && { files: Number(values.files) }) };
  const base = join(folder, 'drain');
  rmSync(base, { recursive: true, force: true });
  const spool = join(base, 'spool');
  mkdirSync(spool, { recursive: true });
  fillSpool(spool, bytes, files, values.content === 'text' ? 'text' : 'random');
  const { endpoint, certificate } = server;
  const job = { spool, folder: base, endpoint, prefix, certificate };
  const figures = await drainOnce(contender, job, server, { count: files, bytes }, limitSec);
  console.error(
    `${prefix}: ${figures.filesPerSec.toFixed(1)} files/s, ${figures.cpuMsPerFile.toFixed(3)} ms`,
  );
  return figures;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
process.exit();
