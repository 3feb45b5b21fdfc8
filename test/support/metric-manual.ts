// The table of metrics in config/OPERATING.md, from the table that the daemon renders.
import { METRICS } from '../../src/observe/metric-table.ts';
import { PROCESS_METRICS } from '../../src/observe/process-metrics.ts';

export function renderMetricTable(): string {
  const rows = METRICS.map(({ name, labels, help, field }) => {
    const label = labels.length === 0 ? '' : `{${labels.join(', ')}}`;
    return `| \`${name}${label}\` | ${help} | \`${field}\` |\n`;
  });
  const process = PROCESS_METRICS.map(({ name, help }) => `| \`${name}\` | ${help} | – |\n`);
  return `| metric | meaning | in \`status --json\` |\n|---|---|---|\n${rows.join('')}${process.join('')}`;
}
