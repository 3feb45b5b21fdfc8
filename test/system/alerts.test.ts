// The alert rules and the page of metrics, judged by Prometheus's own tool.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { renderMetrics } from '../../src/observe/metrics.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

const skip = spawnSync('promtool', ['--version']).status === 0 ? false : 'promtool is not installed';

function promtool(args: readonly string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', input });
  assert.equal(status, 0, `${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

test('Prometheus finds nothing to object to in the rules', { skip }, () => {
  assert.match(promtool(['check', 'rules', 'systemd/examples/prometheus-rules.yaml']), /\d+ rules found/);
});

test('each alert fires when it should, with its words, and not before', { skip }, () => {
  promtool(['test', 'rules', 'test/system/alerts/rules.test.yaml']);
});

test('Prometheus finds nothing to object to in the page of metrics', { skip }, async () => {
  const { body } = await renderMetrics(fullSnapshot(1), { isDaemon: true });
  assert.equal(promtool(['check', 'metrics'], body), '');
});
