// The result of a bench: as JSON for machines, as a Markdown table that can go into the README as it is.
import { arch, cpus, release, totalmem } from 'node:os';
import type { Figure } from './figure.ts';
import type { Tool, ToolName } from './tools.ts';
import type { Trial } from './trial.ts';

/** A trial, or why there is none. */
export type Outcome = Trial | { readonly absent: string };

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  readonly outcomes: Readonly<Partial<Record<ToolName, Outcome>>>;
}

/** What was measured, and how. */
export interface BenchRun {
  readonly command: string;
  readonly capacityMbitPerSec: number;
  readonly server: string;
  /** Where the spools lay. */
  readonly spool: string;
}

export interface BenchResult extends BenchRun {
  readonly date: string;
  readonly machine: string;
  readonly tools: readonly { readonly name: ToolName; readonly version: string }[];
  readonly scenarios: readonly ScenarioResult[];
}

export function describeRun(run: BenchRun, tools: readonly Tool[]): Omit<BenchResult, 'scenarios'> {
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const processor = cpus()[0]?.model.trim() ?? arch();
  return {
    ...run,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} cores (${processor}), ${memoryGib} GiB, Linux ${release()}, Node ${process.versions.node}`,
    tools: tools.map((tool) => ({ name: tool.name, version: tool.version() })),
  };
}

export function markdown(result: BenchResult): string {
  const names = result.tools.map(({ name }) => name);
  const rows = [
    ['scenario', 'NIC transmit, % of capacity', 'must be', ...names],
    ...result.scenarios.flatMap((scenario) => scenarioRows(scenario, names)),
  ];
  const remarks = result.scenarios.flatMap((scenario) => remarksOn(scenario, names));
  return [
    `### ${result.capacityMbitPerSec} Mbit/s link, share 50 %`,
    '',
    `${result.date}, ${result.machine}. S3 server: ${result.server}; spools in ${result.spool}. ${result.tools.map(({ version }) => version).join(', ')}.`,
    `Command: \`${result.command}\``,
    '',
    ...aligned(rows),
    ...(remarks.length === 0 ? [] : ['', ...remarks]),
    '',
  ].join('\n');
}

function scenarioRows(scenario: ScenarioResult, names: readonly ToolName[]): string[][] {
  const trials = names.map((name) => {
    const outcome = scenario.outcomes[name];
    return outcome === undefined || 'absent' in outcome ? undefined : outcome;
  });
  const labels = trials.find((trial) => trial !== undefined && trial.figures.length > 0)?.figures ?? [];
  const measured = labels.map(({ label, required, unit }) => [
    unit === 'ms' ? `${label}, ms` : label,
    required,
    ...trials.map((trial) => cell(trial?.figures.find((figure) => figure.label === label))),
  ]);
  if (labels.length === 0) return [[scenario.title, 'not measured', '', ...names.map(() => '–')]];
  const costs = trials.map((trial) => trial?.cost);
  const cost = [
    ['CPU, % of a core', '', ...costs.map((cost) => cost?.cpuPercent.toFixed(0) ?? '–')],
    ['peak memory, MB', '', ...costs.map((cost) => (cost ? (cost.peakRssBytes / 1e6).toFixed(0) : '–'))],
  ];
  return [...measured, ...cost].map((row, n) => [n === 0 ? scenario.title : '', ...row]);
}

function cell(figure: Figure | undefined): string {
  if (figure === undefined) return '–';
  const value = figure.value?.toFixed(figure.unit === '%' ? 2 : 0) ?? 'never';
  if (figure.met === undefined) return value;
  return `${value} ${figure.met ? '✓' : '✗'}`;
}

function remarksOn(scenario: ScenarioResult, names: readonly ToolName[]): string[] {
  return names.flatMap((name) => {
    const outcome = scenario.outcomes[name];
    const remark = outcome === undefined || 'absent' in outcome ? outcome?.absent : outcome.remark;
    return remark === undefined ? [] : [`- ${scenario.title}: ${name} ${remark}.`];
  });
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((text, n) => text.padEnd(widths[n] ?? 0)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0] ?? '', rule, ...lines.slice(1)];
}

/** Required values that a tool missed, one line each; what a reader of a long table looks for first. */
export function missed(result: BenchResult, name: ToolName): string[] {
  return result.scenarios.flatMap((scenario) => {
    const outcome = scenario.outcomes[name];
    if (outcome === undefined || 'absent' in outcome) return [];
    return outcome.figures
      .filter((figure) => figure.met === false)
      .map((figure) => `${scenario.title}: ${figure.label} ${cell(figure)} (must be ${figure.required})`);
  });
}
