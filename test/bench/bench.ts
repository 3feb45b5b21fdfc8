// npm run bench: every scenario for every tool, side by side on a shaped link of our own, as root.
// Prints a table; writes it as Markdown and JSON, and a picture of each scenario. Asserts nothing.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FarSide, type ServerKind } from './far-side.ts';
import { LinkTestbed, missingForTestbed } from './link-testbed.ts';
import { drawPng, scenarioSvg } from './plot.ts';
import {
  type BenchResult,
  describeRun,
  markdown,
  missed,
  type Outcome,
  type ScenarioResult,
} from './report.ts';
import { isOrphan, runTag } from './run-tag.ts';
import { type Scenario, scenarios } from './scenario.ts';
import { TOOLS, type Tool, type ToolName } from './tools.ts';
import { runTrial, type TrialSetting } from './trial.ts';

const USAGE = `npm run bench -- [options]            as root
  --scenario a,b       ${scenarios(20)
    .map(({ name }) => name)
    .join(',')} (all)
  --tools a,b          ${TOOLS.map(({ name }) => name).join(',')} (all that are installed)
  --capacity 20,100    Mbit/s, one table each (100)
  --seconds 20         measured span of a scenario, at least 12
  --server null|rgw    a server that only hashes, or Ceph (null)
  --spool DIR          where the spools are made (/dev/shm: the disk of a shared machine is not what is measured)
  --out DIR            for tables and pictures (./var/bench)`;

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    tools: { type: 'string' },
    capacity: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '20' },
    server: { type: 'string', default: 'null' },
    spool: { type: 'string', default: '/dev/shm' },
    out: { type: 'string', default: './var/bench' },
    help: { type: 'boolean', default: false },
  },
});

/** The named items, in the order of `all`. Throws an Error that lists what there is. */
function choose<Item extends { readonly name: string }>(
  kind: string,
  all: readonly Item[],
  list?: string,
): Item[] {
  if (list === undefined) return [...all];
  const names = list.split(',');
  const unknown = names.find((name) => all.every((item) => item.name !== name));
  if (unknown === undefined) return all.filter((item) => names.includes(item.name));
  throw new Error(`no ${kind} ${unknown}; there are ${all.map(({ name }) => name).join(', ')}`);
}

function positive(option: string, value: string, least: number): number {
  const number = Number(value);
  if (number >= least) return number;
  throw new Error(`--${option} ${value}: a number of at least ${least} is needed`);
}

async function main(): Promise<void> {
  if (values.help) return console.log(USAGE);
  const chosen = choose('scenario', scenarios(positive('seconds', values.seconds, 12)), values.scenario);
  const tools = installed(choose('tool', TOOLS, values.tools));
  const capacities = values.capacity.split(',').map((mbit) => positive('capacity', mbit, 0.1));
  const server: ServerKind | undefined = (['null', 'rgw'] as const).find((kind) => kind === values.server);
  if (server === undefined) throw new Error(`--server ${values.server}: null or rgw`);
  const obstacles = missingForTestbed(['iperf3']);
  if (tools.length === 0) obstacles.push('No tool is there to measure.');
  if (obstacles.length > 0) throw new Error(obstacles.join('\n'));

  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const testbed = new LinkTestbed();
  const [folder = '', trials = ''] = [tmpdir(), resolve(values.spool)].map((parent) =>
    ownFolder(parent, testbed),
  );
  const far = new FarSide(testbed, server, folder);
  try {
    testbed.start(capacities[0] ?? 100);
    for (const mbit of capacities) {
      testbed.setRate(mbit);
      const setting = {
        testbed,
        far,
        folder: join(trials, 'trial'),
        logs: out,
        capacityBitsPerSec: mbit * 1e6,
      };
      const results: ScenarioResult[] = [];
      for (const scenario of chosen) results.push(await sideBySide(setting, scenario, tools));
      const described = server === 'rgw' ? 'Ceph RADOS gateway' : 'hashes and discards';
      const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
      const run = { command, capacityMbitPerSec: mbit, server: described, spool: values.spool };
      publish(out, { ...describeRun(run, tools), scenarios: results });
    }
  } finally {
    far.close();
    testbed.stop();
  }
}

/** A folder for this run, gone when the testbed is; what a run that was killed left there goes first. */
function ownFolder(parent: string, testbed: LinkTestbed): string {
  for (const name of readdirSync(parent).filter(isOrphan))
    rmSync(join(parent, name), { recursive: true, force: true });
  const folder = mkdtempSync(join(parent, `${runTag()}-`));
  testbed.atStop(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function installed(tools: readonly Tool[]): Tool[] {
  return tools.filter((tool) => {
    const missing = tool.missing();
    if (missing !== undefined) console.log(`Without ${tool.name}: ${missing}`);
    return missing === undefined;
  });
}

async function sideBySide(
  setting: TrialSetting,
  scenario: Scenario,
  tools: readonly Tool[],
): Promise<ScenarioResult> {
  const outcomes: Partial<Record<ToolName, Outcome>> = {};
  for (const tool of tools) {
    const skipped = scenario.skips[tool.name];
    console.log(
      `${setting.capacityBitsPerSec / 1e6} Mbit/s, ${scenario.title}: ${tool.name} ${skipped ?? '…'}`,
    );
    outcomes[tool.name] =
      skipped === undefined ? await attempt(setting, scenario, tool) : { absent: skipped };
  }
  return { name: scenario.name, title: scenario.title, outcomes };
}

/** A tool that fails in one scenario leaves the others their figures. */
async function attempt(setting: TrialSetting, scenario: Scenario, tool: Tool): Promise<Outcome> {
  try {
    return await runTrial(setting, scenario, tool);
  } catch (error) {
    const absent = error instanceof Error ? error.message : `${error}`;
    console.error(`${scenario.title}: ${tool.name}: ${absent}`);
    return { absent };
  }
}

function publish(out: string, result: BenchResult): void {
  const base = join(out, `bench-${result.capacityMbitPerSec}mbit`);
  writeFileSync(`${base}.json`, `${JSON.stringify(result, (_, value) => rounded(value))}\n`);
  writeFileSync(`${base}.md`, markdown(result));
  const complaints = new Set<string>();
  for (const scenario of result.scenarios) {
    const svg = scenarioSvg(result, scenario);
    if (svg === undefined) continue;
    const path = `${base}-${scenario.name}.svg`;
    writeFileSync(path, svg);
    const complaint = drawPng(path, Number(/ height="(\d+)"/.exec(svg)?.[1]));
    if (complaint !== undefined) complaints.add(complaint);
  }
  console.log(`\n${markdown(result)}`);
  for (const { name } of result.tools) {
    const lines = missed(result, name);
    console.log([`${name} missed ${lines.length}`, ...lines].join('\n  '));
  }
  for (const complaint of complaints) console.log(complaint);
  console.log(`Tables and pictures: ${base}*`);
}

function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
