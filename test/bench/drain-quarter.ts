// A daemon on a quarter of one core that has to hold half of a link of 20 Mbit/s with 20 KB files: the link benchmark's own
// trial, in a control group whose quota is 25 %. As root.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from './drain-contenders.ts';
import { FarSide } from './far-side.ts';
import { LinkTestbed, missingForTestbed } from './link-testbed.ts';
import { runTag } from './run-tag.ts';
import { scenarios } from './scenario.ts';
import { TOOLS, type Tool } from './tools.ts';
import { runTrial } from './trial.ts';

const CAPACITY_MBIT = 20;
const QUOTA_PERCENT = 25;
/** As systemd.resource-control(5) has it for CPUQuota=. */
const PERIOD_US = 100_000;
const QUOTA_US = (PERIOD_US * QUOTA_PERCENT) / 100;

/** Only the first build: the trial runs this checkout's. */
export async function quarterRows(_: readonly Contender[], folder: string): Promise<string> {
  const obstacles = missingForTestbed(['iperf3']);
  if (obstacles.length > 0) throw new Error(obstacles.join('\n'));
  const scenario = scenarios(30).find(({ name }) => name === '20k');
  const halfpipe = TOOLS.find(({ name }) => name === 'halfpipe');
  if (scenario === undefined || halfpipe === undefined) throw new Error('nothing to try');
  const [group, testbed] = [quotaGroup(), new LinkTestbed()];
  const far = new FarSide(testbed, 'null', folder);
  try {
    testbed.start(CAPACITY_MBIT);
    const capacityBitsPerSec = CAPACITY_MBIT * 1e6;
    const setting = { testbed, far, folder: join(folder, 'trial'), logs: folder, capacityBitsPerSec };
    const { figures, cost, remark } = await runTrial(setting, scenario, within(group, halfpipe));
    const rows = figures.map(
      ({ label, required, value, met }) =>
        `| ${label} | ${required} | ${value?.toFixed(2) ?? 'never'}${met === undefined ? '' : met ? ' ✓' : ' ✗'} |`,
    );
    return [
      `Half of ${CAPACITY_MBIT} Mbit/s with 20 KB files, one core, CPU quota ${QUOTA_PERCENT} %:`,
      ...['', '| % of capacity | must be | halfpipe |', '|---|---|---|', ...rows],
      `| CPU, % of a core | | ${cost?.cpuPercent.toFixed(1)} |`,
      `| peak memory, MB | | ${((cost?.peakRssBytes ?? 0) / 1e6).toFixed(0)} |`,
      remark === undefined ? '' : `\nIt ${remark}.`,
    ].join('\n');
  } finally {
    far.close();
    testbed.stop();
    if (existsSync(group)) rmdirSync(group);
  }
}

/** In version 2 of control groups where the controller is there, else in version 1. */
function quotaGroup(): string {
  const isSecond = existsSync('/sys/fs/cgroup/cgroup.controllers');
  const group = join('/sys/fs/cgroup', isSecond ? '' : 'cpu', runTag());
  mkdirSync(group);
  if (isSecond) writeFileSync(join(group, 'cpu.max'), `${QUOTA_US} ${PERIOD_US}`);
  else {
    writeFileSync(join(group, 'cpu.cfs_period_us'), `${PERIOD_US}`);
    writeFileSync(join(group, 'cpu.cfs_quota_us'), `${QUOTA_US}`);
  }
  return group;
}

/** The same tool on the last core, in the group. */
function within(group: string, tool: Tool): Tool {
  return {
    ...tool,
    invocation(assignment) {
      const { command, args, env } = tool.invocation(assignment);
      const enter = `echo $$ > ${join(group, 'cgroup.procs')}; exec taskset -c 0 "$@"`;
      return { command: 'sh', args: ['-c', enter, 'sh', command, ...args], env };
    },
  };
}
