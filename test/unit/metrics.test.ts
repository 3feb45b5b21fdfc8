// Every metric shows its field of the snapshot, in base units, and moves with it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { METRICS } from '../../src/observe/metric-table.ts';
import { renderMetrics } from '../../src/observe/metrics.ts';
import { PROCESS_METRICS } from '../../src/observe/process-metrics.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { idOf, seriesOf } from '../support/metrics-page.ts';

async function shown(snapshot: Snapshot, accept?: string) {
  const { body } = await renderMetrics(snapshot, { isDaemon: false, accept });
  return new Map(seriesOf(body).map((series) => [idOf(series), series.value]));
}

/** All values of a snapshot by their paths: `backlog.skipped[0].count`. */
function leavesOf(value: unknown, path = ''): (readonly [path: string, value: unknown])[] {
  if (Array.isArray(value)) return value.flatMap((item, at) => leavesOf(item, `${path}[${at}]`));
  if (typeof value !== 'object' || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([name, part]) =>
    leavesOf(part, path === '' ? name : `${path}.${name}`),
  );
}

/** Seconds from milliseconds, bytes from bits. */
function inBaseUnits(path: string, value: unknown): number {
  const number = Number(value);
  if (path.endsWith('Ms')) return number / 1000;
  return /[bB]itsPerSec$/.test(path) ? number / 8 : number;
}

/** The paths that a row's field stands for. */
function pathsOf(field: string, snapshot: Snapshot) {
  const [before = '', after] = field.split(/\*|\[\]/);
  const leaves = leavesOf(snapshot);
  return after === undefined
    ? leaves.filter(([path]) => path === field)
    : leaves.filter(
        ([path]) =>
          path.startsWith(before) && path.endsWith(after) && path.endsWith('AtMs') === after.endsWith('AtMs'),
      );
}

/** A text, an object whose presence counts, or a daemon that answers at all. */
const isNoNumber = (field: string) =>
  [
    'version',
    'state',
    'link.interface',
    'backlog.forecast.verdict',
    'steering.paused',
    'pid',
    'problems',
    'problems[].kind',
    'ingest.asksToWait',
  ].includes(field);

describe('each metric', () => {
  const snapshot = fullSnapshot(1);
  for (const { name, field, samples } of METRICS.filter((row) => !isNoNumber(row.field)))
    test(`${name} is ${field} in base units`, () => {
      const found = pathsOf(field, snapshot);
      const expected = found.map(([path, value]) => inBaseUnits(path, value));
      assert.ok(expected.length > 0, `there is no ${field}`);
      assert.deepEqual(
        samples(snapshot).map(({ value }) => value),
        expected,
      );
    });

  test('moves when its field does', async () => {
    const [before, after] = [await shown(fullSnapshot(1)), await shown(fullSnapshot(2))];
    const still = [...before].filter(([id, value]) => after.get(id) === value).map(([id]) => id);
    // A daemon that answers is up, and most words are those of other moments.
    assert.deepEqual(
      still.filter((id) => !/^halfpipe_(state|forecast_verdict|problems)\{/.test(id)),
      ['halfpipe_up'],
    );
    assert.ok(before.size > 50, `only ${before.size} series`);
  });

  test('that is a word is 1 while that is the word, and 0 at all other times', async () => {
    const full = fullSnapshot(1);
    const { backlog } = full;
    const [problem = assert.fail('no problem')] = full.problems;
    const set = (name: string, labels: Readonly<Record<string, string>>): unknown => {
      const { state, verdict, kind, severity } = labels;
      if (name === 'halfpipe_state') return { ...full, state };
      if (name === 'halfpipe_problems') return { ...full, problems: [{ ...problem, kind, severity }] };
      return { ...full, backlog: { ...backlog, forecast: { ...backlog.forecast, verdict } } };
    };
    const { body } = await renderMetrics(full, { isDaemon: false });
    const words = seriesOf(body).filter(({ name }) =>
      ['halfpipe_state', 'halfpipe_problems', 'halfpipe_forecast_verdict'].includes(name),
    );
    assert.equal(words.length, 5 + 2 * 22 + 6);
    for (const series of words) {
      const page = await shown(set(series.name, series.labels) as Snapshot);
      const present = words.filter(({ name }) => name === series.name).map(idOf);
      assert.deepEqual(
        present.filter((id) => page.get(id) !== 0),
        [idOf(series)],
      );
      assert.equal(page.get(idOf(series)), 1);
    }
  });

  test('that is null in the snapshot is absent, and so is all of a link that is not known, and of ingest and packets that are off', async () => {
    const full = fullSnapshot(1);
    const { backlog } = full;
    const empty: Snapshot = {
      ...full,
      link: null,
      ingest: null,
      packets: null,
      backlog: {
        ...backlog,
        ...{ oldestAgeMs: null, freeBytes: null, freeFiles: null, skipped: [] },
        flow: { lastMinute: null, last10Minutes: null, lastHour: null },
        forecast: { verdict: 'unknown', eta: null, basis: null, shareToHold: null, diskFullMs: null },
      },
    };
    const before = [...(await shown(full)).keys()];
    const absent = new Set(before.filter((id) => id.startsWith('halfpipe_link_')));
    for (const name of ['arrived', 'drained', 'skipped', 'spool', 'backlog_oldest', 'ingest'])
      for (const id of before.filter((id) => id.startsWith(`halfpipe_${name}_`))) absent.add(id);
    for (const id of before.filter((id) => /_(gathered|complete)_/.test(id))) absent.add(id);
    for (const id of before.filter((id) => /_forecast_(eta|share|disk)/.test(id))) absent.add(id);
    assert.deepEqual(
      [...(await shown(empty)).keys()],
      before.filter((id) => !absent.has(id)),
    );
  });
});

test('every number of the snapshot is a metric, or is known not to be', () => {
  const snapshot = fullSnapshot(1);
  const covered = new Set(METRICS.flatMap(({ field }) => pathsOf(field, snapshot).map(([path]) => path)));
  const numbers = leavesOf(snapshot).filter(([, value]) => ['number', 'boolean'].includes(typeof value));
  const left = numbers.map(([path]) => path).filter((path) => !covered.has(path));
  assert.deepEqual(left, [
    'format',
    // The list of problems shows them.
    'problems[0].nextTryAtMs',
    'problems[0].files',
    // Reasons are codes of the store: without a bound, as labels must have one.
    'backlog.waiting[0].files',
    'backlog.waiting[0].isFolder',
    // It says how grave the kind is, and the problems show that.
    'backlog.skipped[0].hidesFiles',
    // The same as lowMs and highMs, by the wall clock.
    'backlog.forecast.eta.lowAtMs',
    'backlog.forecast.eta.highAtMs',
    // What the verdict is made of.
    ...['arrivedFiles', 'arrivedBytes', 'drainedFiles', 'drainedBytes'].map(
      (name) => `backlog.forecast.basis.${name}PerSec`,
    ),
    // It is in the URLs.
    'ingest.isTls',
    // rate() of the counters is the same.
    ...['files', 'bytes'].map((name) => `ingest.lastMinute.${name}PerSec`),
  ]);
});

test('names follow the conventions of Prometheus', () => {
  const rows = [...METRICS, ...PROCESS_METRICS];
  const names = rows.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, type, help } of rows) {
    assert.match(name, /^(halfpipe|process)_[a-z]+(_[a-z]+)*$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|milliseconds|bits|kb|mb|percent|minutes|hours)(_|$)/, name);
    assert.match(help, /^[^\n]{5,120}\.$/, name);
  }
});

test('the number of series is bounded, whatever the spool and the store hold', async () => {
  const full = fullSnapshot(1);
  const kinds = Array.from({ length: 40 }, (_, at) => ({
    ...{ kind: 'closed folder', what: `w${at}`, remedy: 'r', count: 1, example: `e${at}`, hidesFiles: true },
  }));
  const waiting = Array.from({ length: 40 }, (_, at) => ({
    ...{ reason: `Code${at}`, files: 1, example: 'e', isFolder: false, message: 'm' },
  }));
  const many = { ...full, backlog: { ...full.backlog, waiting, skipped: kinds } };
  assert.equal((await shown(many)).size, (await shown(full)).size);
  assert.equal((await shown(many)).get('halfpipe_skipped_entries{kind="closed folder"}'), 40);
});

test('OpenMetrics has the same series, for a client that asks for it', async () => {
  const snapshot = fullSnapshot(1);
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3';
  const { type, body } = await renderMetrics(snapshot, { isDaemon: true, accept });
  assert.equal(type, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.match(body, /\n# EOF\n$/);
  assert.deepEqual(await shown(snapshot, accept), await shown(snapshot, 'text/plain'));
});

test('a page of the daemon tells of its process, and each series names its unit', async () => {
  const { type, body } = await renderMetrics(
    { ...fullSnapshot(1), unit: 'halfpipe@"x"' },
    { isDaemon: true },
  );
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8');
  const found = seriesOf(body);
  assert.ok(found.every(({ labels }) => labels.unit === 'halfpipe@\\"x\\"'));
  const names = found.map(({ name }) => name);
  for (const { name } of PROCESS_METRICS) assert.ok(names.includes(name), name);
  assert.ok((found.find(({ name }) => name === 'process_open_fds')?.value ?? 0) > 3);
});
