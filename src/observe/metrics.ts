// The snapshot as a page for Prometheus. Nothing is counted here: each scrape renders one snapshot,
// so that metrics and `status --json` cannot differ.
import { Counter, Gauge, Registry } from '@prometheus-io/client';
import type { Snapshot } from '../view/snapshot.ts';
import { METRICS, UP } from './metric-table.ts';
import { PROCESS_METRICS } from './process-metrics.ts';

export interface MetricsPage {
  readonly type: string;
  readonly body: string;
}

export interface MetricsOptions {
  /** The Accept header. OpenMetrics is given to a client that names it. */
  readonly accept?: string | undefined;
  /** Whether this process is the daemon, so that its CPU time and memory belong to the page. */
  readonly isDaemon: boolean;
}

/** Every series has the label `unit`, because a machine may have several daemons. */
export async function renderMetrics(
  snapshot: Snapshot,
  { accept = '', isDaemon }: MetricsOptions,
): Promise<MetricsPage> {
  const wantsOpen = accept.includes('application/openmetrics-text');
  const registry = new Registry(
    wantsOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
  );
  registry.setDefaultLabels({ unit: snapshot.unit });
  for (const { samples, ...row } of METRICS) add(registry, row, samples(snapshot));
  if (isDaemon)
    for (const { value: read, ...row } of PROCESS_METRICS) {
      const value = read();
      if (value !== undefined) add(registry, { ...row, labels: [] }, [{ labels: {}, value }]);
    }
  return { type: registry.contentType, body: await registry.metrics() };
}

/** The page of a daemon that does not answer. */
export async function renderNotRunning(unit: string): Promise<string> {
  const registry = new Registry();
  registry.setDefaultLabels({ unit });
  add(registry, UP, [{ labels: {}, value: 0 }]);
  return registry.metrics();
}

interface Row {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric without a sample is left out, because the library would show it as 0. */
function add(registry: Registry, row: Row, samples: readonly LabelledValue[]): void {
  if (samples.length === 0) return;
  const { name, type, help, labels: labelNames } = row;
  const metric = new (type === 'counter' ? Counter : Gauge)({
    ...{ name, help, labelNames },
    registers: [registry],
  });
  for (const { labels, value } of samples) metric.inc(labels, value);
}
