// The alert rules and the dashboard against the metrics that the daemon has, and the manual.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { METRICS } from '../../src/observe/metric-table.ts';
import { PROCESS_METRICS } from '../../src/observe/process-metrics.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: Readonly<Record<string, string>>;
}

const RULES: readonly Rule[] = parse(read('systemd/examples/prometheus-rules.yaml')).groups[0].rules;

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly refId: string }[];
}

const DASHBOARD = JSON.parse(read('systemd/examples/grafana-dashboard.json'));
const PANELS: readonly Panel[] = DASHBOARD.panels;
const VARIABLES: readonly { readonly name: string; readonly definition?: string }[] =
  DASHBOARD.templating.list;

/** Labels that every series has: the daemon's, and those of the scrape. */
const COMMON = ['unit', 'instance', 'job'];
const LABELS = new Map<string, readonly string[]>([
  ...METRICS.map(({ name, labels }) => [name, labels] as const),
  ...PROCESS_METRICS.map(({ name }) => [name, []] as const),
]);

/** What an expression names wrongly. */
function unknownIn(expr: string): string[] {
  const selectors = [...expr.matchAll(/\b((?:halfpipe|process)_[a-z_]+)\b(?:\{([^}]*)\})?/g)];
  return selectors.flatMap(([, name = '', matchers = '']) => {
    const labels = LABELS.get(name);
    if (labels === undefined) return [name];
    const used = [...matchers.matchAll(/(\w+)\s*=~?/g)].map(([, label = '']) => label);
    const wrong = used.filter((label) => ![...labels, ...COMMON].includes(label));
    return wrong.map((label) => `${name}{${label}}`);
  });
}

for (const [what, expressions] of [
  ['the alert rules', RULES.map(({ expr }) => expr)],
  [
    'the dashboard',
    [
      ...PANELS.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...VARIABLES.flatMap(({ definition = [] }) => definition),
    ],
  ],
] as const)
  test(`${what} names only metrics and labels that the daemon has`, () => {
    assert.ok(expressions.length > 10);
    assert.deepEqual(expressions.flatMap(unknownIn), []);
    assert.ok(expressions.every((expr) => /halfpipe_|process_/.test(expr)));
  });

test('the check of names sees a wrong metric, and a wrong label', () => {
  assert.deepEqual(unknownIn('rate(halfpipe_none_total[5m]) > 1'), ['halfpipe_none_total']);
  assert.deepEqual(unknownIn('halfpipe_state{kind="paused", unit="a"} == 1'), ['halfpipe_state{kind}']);
});

test('every alert has a summary, a description, a test and a section of the manual', () => {
  const manual = read('config/OPERATING.md');
  const [, section = ''] = manual.split('\n## Alerts\n');
  const [alerts = ''] = section.split('\n## ');
  const sections = [...alerts.matchAll(/^### (\w+)\n[^\n#]{20}/gm)].map(([, name]) => name);
  assert.deepEqual(
    sections,
    RULES.map(({ alert }) => alert),
  );
  for (const { alert, labels, annotations } of RULES) {
    assert.match(labels.severity, /^(page|ticket)$/, alert);
    assert.deepEqual(Object.keys(annotations), ['summary', 'description', 'runbook'], alert);
    assert.equal(annotations.runbook, `OPERATING.md#${alert.toLowerCase()}`);
    assert.match(annotations.summary ?? '', /\{\{ \$labels\.instance \}\}/, alert);
    assert.match(annotations.description ?? '', /\.$/, alert);
  }
  const { tests } = parse(read('test/system/alerts/rules.test.yaml'));
  const cases = tests.flatMap((it: { alert_rule_test: unknown[] }) => it.alert_rule_test);
  const names = (fires: boolean) =>
    new Set(
      cases
        .filter((it: { exp_alerts: unknown[] }) => it.exp_alerts.length > 0 === fires)
        .map(({ alertname }: { alertname: string }) => alertname),
    );
  for (const fires of [true, false])
    assert.deepEqual(names(fires), new Set(RULES.map(({ alert }) => alert)), `fires: ${fires}`);
});

test('the dashboard can be imported: panels have ids of their own, and none lies on another', () => {
  assert.equal(new Set(PANELS.map(({ id }) => id)).size, PANELS.length);
  assert.deepEqual(
    VARIABLES.map(({ name }) => name),
    ['datasource', 'instance', 'unit'],
  );
  const taken = new Map<string, string>();
  for (const { title, type, gridPos, targets } of PANELS) {
    const { x, y, w, h } = gridPos;
    assert.ok(x + w <= 24, title);
    assert.ok(['stat', 'timeseries', 'state-timeline'].includes(type), title);
    assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    for (let column = x; column < x + w; column += 1)
      for (let row = y; row < y + h; row += 1) {
        assert.equal(taken.get(`${column},${row}`), undefined, `${title} lies on another panel`);
        taken.set(`${column},${row}`, title);
      }
  }
});
