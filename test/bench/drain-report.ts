// The tables of npm run bench:drain.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Contender } from './drain-contenders.ts';
import type { DrainFigures } from './drain-run.ts';

/** Of rclone's figures: at least this times its files or bytes a second, at most this times its CPU time. */
const GOALS: Readonly<Record<string, { readonly rate: number; readonly cpu: number }>> = {
  '20KB': { rate: 1.2, cpu: 0.8 },
  '200KB': { rate: 1.1, cpu: 0.9 },
  '20MB': { rate: 1.1, cpu: 0.9 },
  '2GB': { rate: 1.1, cpu: 0.9 },
};
const PEAK_MB = 200;
/** What AWS asks for a million PUTs in us-east-1. A HEAD costs less. */
const DOLLARS_PER_MILLION = 5;
const PAGE = new URL('./README.md', import.meta.url);

/** The median of each figure by itself. */
export function medianOf(all: readonly DrainFigures[]): DrainFigures | undefined {
  const [any] = all;
  if (any === undefined) return undefined;
  const middle = (pick: (one: DrainFigures) => number) =>
    all.map(pick).toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
  const names = [...any.threadsUsPerFile.keys()];
  return {
    ...any,
    ...{ files: middle((one) => one.files), filesPerSec: middle((one) => one.filesPerSec) },
    ...{ mbPerSec: middle((one) => one.mbPerSec), cpuMsPerFile: middle((one) => one.cpuMsPerFile) },
    ...{ cpuSecPerGb: middle((one) => one.cpuSecPerGb), peakMb: middle((one) => one.peakMb) },
    ...{ firstUploadSec: middle((one) => one.firstUploadSec), startCpuSec: middle((one) => one.startCpuSec) },
    requestsPerFile: any.requestsPerFile && middle((one) => one.requestsPerFile ?? 0),
    sentBytesPerFile: any.sentBytesPerFile && middle((one) => one.sentBytesPerFile ?? 0),
    serverCpuPercent: any.serverCpuPercent && middle((one) => one.serverCpuPercent ?? 0),
    threadsUsPerFile: new Map(
      names.map((name) => [name, middle((one) => one.threadsUsPerFile.get(name) ?? 0)]),
    ),
  };
}

/** What ran where. */
export function describeDrain(tools: readonly Contender[], kind: string, place: string): string {
  const [cpu] = cpus();
  const machine = `${cpus().length} cores (${cpu?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
  return [
    `${new Date().toISOString().slice(0, 10)}, ${machine}, Node ${process.versions.node}. Server: ${kind}. Spools: ${place}.`,
    `${tools.map((tool) => tool.version()).join('; ')}.`,
    `Command: \`${['npm run bench:drain --', ...process.argv.slice(2)].join(' ')}\``,
    '',
  ].join('\n');
}

const COLUMNS =
  'tool|files|files/s|MB/s|CPU-ms a file|CPU-s a GB|peak MB|requests a file|bytes sent a file|a million files, $|first upload, s|CPU-s before|server, % of a core';

export function drainTable(work: string, figures: ReadonlyMap<string, DrainFigures | undefined>): string {
  const rows = [...figures].map(([tool, own]) => {
    if (own === undefined) return `| ${tool} | – |`;
    const isJudged = !/^(rclone|aws)/.test(tool);
    const base = tool === 'rclone' ? undefined : figures.get('rclone');
    const goal = isJudged && tool !== 'packets' ? GOALS[work] : undefined;
    const cells = [
      ...[tool, `${own.files}`],
      compared(own.filesPerSec, base?.filesPerSec, 1, goal && { min: goal.rate }),
      compared(own.mbPerSec, base?.mbPerSec, 1, goal && { min: goal.rate }),
      compared(own.cpuMsPerFile, base?.cpuMsPerFile, 3, goal && { max: goal.cpu }),
      compared(own.cpuSecPerGb, base?.cpuSecPerGb, 2, goal && { max: goal.cpu }),
      `${own.peakMb.toFixed(0)}${isJudged ? mark(own.peakMb <= PEAK_MB) : ''}`,
      own.requestsPerFile?.toPrecision(3) ?? '–',
      own.sentBytesPerFile?.toFixed(0) ?? '–',
      own.requestsPerFile === undefined ? '–' : (own.requestsPerFile * DOLLARS_PER_MILLION).toPrecision(3),
      ...[own.firstUploadSec.toFixed(2), own.startCpuSec.toFixed(2), own.serverCpuPercent?.toFixed(0) ?? '–'],
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const columns = COLUMNS.split('|');
  const head = [`| ${columns.join(' | ')} |`, `|${columns.map(() => '---').join('|')}|`];
  return [`### ${work}`, '', ...head, ...rows, '', ...threadLines(figures)].join('\n');
}

function threadLines(figures: ReadonlyMap<string, DrainFigures | undefined>): string[] {
  return [...figures].flatMap(([tool, own]) => {
    if (own === undefined || own.threadsUsPerFile.size === 0) return [];
    const threads = [...own.threadsUsPerFile].filter(([, micros]) => micros >= own.cpuMsPerFile * 10);
    return [
      `${tool}, CPU-µs a file by thread: ${threads.map(([name, us]) => `${name} ${us.toFixed(0)}`).join(', ')}.`,
      '',
    ];
  });
}

function compared(
  value: number,
  base: number | undefined,
  digits: number,
  goal: { readonly min?: number; readonly max?: number } | undefined,
): string {
  const shown = value.toFixed(digits);
  if (base === undefined) return shown;
  const ratio = value / base;
  const judged = goal && mark(ratio >= (goal.min ?? -Infinity) && ratio <= (goal.max ?? Infinity));
  return `${shown} (${ratio.toFixed(2)} ×)${judged ?? ''}`;
}

function mark(isMet: boolean): string {
  return isMet ? ' ✓' : ' ✗';
}

/** Replaces what stands between the markers of that server in the page. */
export function writeDrains(kind: string, tables: readonly string[]): void {
  const [begin, end] = [`<!-- drain:${kind}:begin -->`, `<!-- drain:${kind}:end -->`];
  const text = readFileSync(PAGE, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < 0) throw new Error(`test/bench/README.md has no ${begin}`);
  writeFileSync(PAGE, `${text.slice(0, from)}${begin}\n${tables.join('\n')}${text.slice(to)}`);
}
