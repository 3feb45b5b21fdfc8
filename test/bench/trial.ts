// One tool in one scenario: files on disk, server, recorders, the tool, what happens meanwhile, and the recording.
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CrossTraffic } from './cross-traffic.ts';
import type { FarSide } from './far-side.ts';
import type { Figure } from './figure.ts';
import { LAN_ADDRESS, LINK_INTERFACE, type LinkTestbed, SINK_SIDE_INTERFACE } from './link-testbed.ts';
import { machineTicks, type Usage, usageOf } from './process-usage.ts';
import { INGEST_PORT, Producers } from './producers.ts';
import { monotonicMs, Recorder } from './recorder.ts';
import type { Recording, Scenario } from './scenario.ts';
import { dropFile, fillSpool } from './spool-files.ts';
import type { Assignment, Invocation, Tool } from './tools.ts';
import { authorizationFor } from './upload-servers.ts';

export interface Cost {
  /** Mean over the measured span, in percent of one core. */
  readonly cpuPercent: number;
  readonly peakRssBytes: number;
}

export interface Trial {
  readonly figures: readonly Figure[];
  /** Undefined when the tool was gone before it could be asked. */
  readonly cost: Cost | undefined;
  /** What cut the measurement short or disturbed it, if anything did. */
  readonly remark: string | undefined;
  /** For the picture: the load every 100 ms from zero, in percent. */
  readonly total: readonly number[];
  readonly cross: readonly number[];
}

export interface TrialSetting {
  readonly testbed: LinkTestbed;
  readonly far: FarSide;
  /** Scratch space for one trial at a time. */
  readonly folder: string;
  /** What the tools print goes here, one file a trial. */
  readonly logs: string;
  readonly capacityBitsPerSec: number;
}

const SHARE_PERCENT = 50;
/** From a tool's first bytes to the measured span; rclone's first burst lasts 0.7 s. */
const WARM_UP_MS = 3000;
/** From here on a recording says as much about the machine as about the tool. */
const BUSY_PERCENT = 75;
const START_LIMIT_MS = 20_000;

/** Throws an Error when the tool never sends. */
export async function runTrial(setting: TrialSetting, scenario: Scenario, tool: Tool): Promise<Trial> {
  const { testbed, far, folder, capacityBitsPerSec } = setting;
  rmSync(folder, { recursive: true, force: true });
  const assignment = assign(setting, scenario, await far.start(scenario.roundTripMs));
  const others = new CrossTraffic(testbed);
  const [total, cross] = [new Recorder(), new Recorder()];
  const abort = new AbortController();
  const mbit = capacityBitsPerSec / 1e6;
  const log = openSync(join(setting.logs, `bench-${mbit}mbit-${scenario.name}-${tool.name}.log`), 'w');
  let child: ChildProcess | undefined;
  let producers: Producers | undefined;
  try {
    await Promise.all([
      total.start(testbed, 'near', LINK_INTERFACE),
      cross.start(testbed, 'far', SINK_SIDE_INTERFACE),
      others.start(),
    ]);
    if (scenario.producers !== undefined) testbed.addLan();
    child = launch(testbed, tool.invocation(assignment), log);
    const exited = once(child, 'exit');
    if (!assignment.waits) await firstBytes(total, capacityBitsPerSec, child);
    const pid = child.pid ?? 0;
    producers = produce(setting, scenario, pid, far);
    await sleep(WARM_UP_MS);
    const before = { usage: usageOf(pid), served: await far.stats(), machine: machineTicks() };
    producers?.mark();
    const zeroMs = monotonicMs();
    const playing = others.play(scenario.cross, capacityBitsPerSec, abort.signal);
    const acting = act(setting, scenario, tool, assignment, pid, zeroMs, log);
    const early = await Promise.race([sleep(scenario.lengthMs, false), exited.then(() => true)]);
    const endMs = monotonicMs();
    const produced = producers?.end();
    const after: Usage = usageOf(pid);
    const machine = machineTicks();
    const busyPercent = (100 * (machine.busy - before.machine.busy)) / (machine.all - before.machine.all);
    const served = await far.stats();
    // a little more, for the windows that end after the last change
    await sleep(200);
    if (early) abort.abort();
    await Promise.all([playing.catch((error) => early || Promise.reject(error)), acting]);
    const recording: Recording = {
      total: total.load(capacityBitsPerSec),
      cross: cross.load(capacityBitsPerSec),
      zeroMs,
      endMs,
      served: served &&
        before.served && {
          ...served,
          objects: served.objects - before.served.objects,
          bytes: served.bytes - before.served.bytes,
          requests: served.requests - before.served.requests,
          brokenOff: served.brokenOff - before.served.brokenOff,
          badDigests: served.badDigests - before.served.badDigests,
        },
      reloadsMs: await acting,
      ...(produced !== undefined && { produced: await produced }),
    };
    return {
      figures: early ? [] : scenario.judge(recording),
      cost: early ? undefined : costOf(before.usage, after, endMs - zeroMs),
      remark: remark(early, endMs - zeroMs, busyPercent),
      total: recording.total.windows(zeroMs, endMs, 100, 100),
      cross: recording.cross.windows(zeroMs, endMs, 100, 100),
    };
  } finally {
    abort.abort();
    producers?.stop();
    if (child !== undefined) await end(child);
    for (const part of [total, cross, others, far]) part.stop();
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  }
}

function remark(early: boolean, spanMs: number, busyPercent: number): string | undefined {
  if (early) return `ended by itself after ${(spanMs / 1000).toFixed(1)} s`;
  if (busyPercent < BUSY_PERCENT) return undefined;
  return `was measured while the machine's cores were ${busyPercent.toFixed(0)} % busy`;
}

function costOf(before: Usage, after: Usage, spanMs: number): Cost {
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  return { cpuPercent: (cpuSeconds / spanMs) * 1e5, peakRssBytes: after.peakRssBytes };
}

function assign(setting: TrialSetting, scenario: Scenario, endpoint: string): Assignment {
  const { folder, capacityBitsPerSec } = setting;
  const spool = join(folder, 'spool');
  const waits = typeof scenario.files === 'object';
  mkdirSync(spool, { recursive: true });
  if (!waits) {
    const seconds = (scenario.lengthMs + WARM_UP_MS) / 1000 + 5;
    // half as much again as the highest share needs, so that nobody runs dry
    const share = Math.max(SHARE_PERCENT, ...scenario.reloads.map(({ sharePercent }) => sharePercent));
    const bytes = (1.5 * seconds * capacityBitsPerSec * share) / 800;
    fillSpool(
      spool,
      scenario.fileBytes,
      scenario.files === 'one' ? 1 : Math.ceil(bytes / scenario.fileBytes),
    );
  }
  const { concurrency, producers } = scenario;
  const ingest = producers && {
    listen: `${LAN_ADDRESS}:${INGEST_PORT}`,
    tokensFile: join(folder, 'tokens.json'),
  };
  return {
    ...{ spool, folder, endpoint, capacityBitsPerSec, concurrency, waits, ingest },
    sharePercent: SHARE_PERCENT,
  };
}

function produce({ testbed, folder }: TrialSetting, scenario: Scenario, toolPid: number, far: FarSide) {
  if (scenario.producers === undefined) return undefined;
  return new Producers(testbed, [toolPid, far.serverPid], {
    ...scenario.producers,
    authorization: authorizationFor(join(folder, 'halfpipe.yaml')),
    // Until after the measured span; the server takes the token at once.
    seconds: (WARM_UP_MS + scenario.lengthMs) / 1000 + 1,
  });
}

function launch(testbed: LinkTestbed, { command, args, env }: Invocation, log: number): ChildProcess {
  return testbed.spawn('near', command, args, { env, stdio: ['ignore', log, log] });
}

async function firstBytes(total: Recorder, capacityBitsPerSec: number, child: ChildProcess): Promise<void> {
  const limitMs = monotonicMs() + START_LIMIT_MS;
  for (;;) {
    const load = total.load(capacityBitsPerSec);
    if (load.onsetMs(load.firstMs, load.lastMs, 10) !== undefined) return;
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode} before it sent anything`);
    if (monotonicMs() > limitMs) throw new Error(`sent nothing for ${START_LIMIT_MS / 1000} s`);
    await sleep(100);
  }
}

/** What the scenario does to the tool itself. Returns when each change of the share was signalled. */
async function act(
  { testbed, folder }: TrialSetting,
  scenario: Scenario,
  tool: Tool,
  assignment: Assignment,
  pid: number,
  zeroMs: number,
  log: number,
): Promise<number[]> {
  if (typeof scenario.files === 'object') {
    await sleep(scenario.files.dropAtMs);
    dropFile(assignment.spool, folder, scenario.fileBytes);
    const nudge = tool.nudge?.(assignment);
    if (nudge !== undefined) launch(testbed, nudge, log);
  }
  const reloadsMs: number[] = [];
  for (const { atMs, sharePercent } of scenario.reloads) {
    await sleep(zeroMs + atMs - monotonicMs());
    reloadsMs.push(monotonicMs());
    tool.reload?.({ ...assignment, sharePercent }, pid);
  }
  return reloadsMs;
}

/** A tool that is asked and does not go within 3 s is ended. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const gone = await Promise.race([exited.then(() => true), sleep(3000, false)]);
  if (gone) return;
  spawnSync('kill', ['-KILL', `${child.pid}`]);
  await exited;
}
