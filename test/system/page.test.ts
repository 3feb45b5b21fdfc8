// The page in a real browser: Debian's headless Chromium, in front of a running daemon and of a snapshot in which every
// figure is different.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { REFUSALS } from '../../src/ingest/problem-kind.ts';
import { Observation } from '../../src/observe/observation.ts';
import { History } from '../../src/outlook/history.ts';
import { systemClock } from '../../src/system/clock.ts';
import { type FileView, fileView } from '../../src/view/file-list.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { launchBrowser, openPage, shownFields } from '../support/browser.ts';
import { compiledMain } from '../support/compiled.ts';
import { DaemonFixture, KEYS } from '../support/daemon-fixture.ts';
import { freePort } from '../support/free-port.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { buildPackage } from '../support/installed-halfpipe.ts';

const skip = existsSync('/usr/bin/chromium-headless-shell')
  ? false
  : 'chromium-headless-shell is not installed';
const AXE = new URL('../../node_modules/axe-core/axe.min.js', import.meta.url);

const PATH = { bytes: Buffer.from('camera-7/a.jpg'), toString: () => 'camera-7/a.jpg' };
const FILE: Partial<FileView> = {
  ...{
    sizeBytes: 4_000,
    modifiedAtMs: 0,
    sinceAtMs: 0,
    sentBytes: 1_000,
    key: 'in/camera-7/a.jpg',
    sha256: 'ab'.repeat(32),
  },
  ...{
    durationMs: 120,
    code: 'EIO',
    reason: 'cannot be read',
    remedy: 'mend the disk',
    attempts: 3,
    nextTryAtMs: 9,
    id: 'x',
  },
};
/** Every list has files. */
function withFiles(snapshot: Snapshot): Snapshot {
  const files = [fileView(PATH, 'sending', FILE), fileView(PATH, 'sending', FILE)];
  return {
    ...snapshot,
    uploads: { ...snapshot.uploads, files },
    recent: { uploads: files, failures: files },
  };
}

/** A listener that shows what `snapshot` returns. */
async function showing(t: TestContext, snapshot: () => Snapshot): Promise<string> {
  const observation = new Observation({
    ...{ clock: systemClock, redact: (text) => text, onEvent: () => undefined },
    snapshot: () => ({ ...withFiles(snapshot()), takenAtMs: Date.now() }),
    list: async (list) => ({
      list,
      files: [fileView(PATH, 'deferred', FILE), fileView(PATH, 'deferred', FILE)],
      total: 7,
    }),
    history: (agoMs) => new History().since(agoMs, 0, Date.now()),
    shownOptions: () => [{ key: 'spool.path', value: '/srv/spool', origin: '/etc/halfpipe.yaml:3' }],
  });
  const port = await freePort();
  t.after(() => observation.stop());
  await observation.start({ listen: { addresses: ['127.0.0.1'], port }, tokenFile: undefined, hosts: [] });
  return `http://127.0.0.1:${port}`;
}

/** `backlog.files` of an object, as the page writes a raw value. */
function rawAt(object: unknown, path: string): string {
  let value = object;
  for (const name of path.split('.')) value = Object(value)[name];
  return value === null || value === undefined ? '' : String(value);
}

function numbersOf(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    numbersOf(inner, path === '' ? name : `${path}.${name}`),
  );
}

async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(AXE, 'utf8'));
  const found: { violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] } =
    await page.evaluate('axe.run()');
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`),
  );
}

/** Told in words, or no figure for people. */
const NOT_SHOWN = new Set([
  ...[
    'format',
    'takenAtMs',
    'uptimeMs',
    'steering.share',
    'steering.shareUntilMs',
    'steering.paused.untilMs',
  ],
  ...['backlog.forecast.eta.lowMs', 'backlog.forecast.eta.highMs', 'backlog.forecast.eta.lowAtMs'],
  ...['backlog.forecast.eta.highAtMs', 'backlog.forecast.shareToHold', 'backlog.forecast.diskFullMs'],
  ...['arrivedFilesPerSec', 'arrivedBytesPerSec', 'drainedFilesPerSec', 'drainedBytesPerSec'].map(
    (name) => `backlog.forecast.basis.${name}`,
  ),
  ...['link.slowLine.bitsPerSec', 'backlog.freeFiles', 'ingest.lastAcceptedAtMs'],
  ...Object.keys(REFUSALS).map((kind) => `ingest.refused.${kind}`),
]);

describe('the page', { skip }, () => {
  let browser: Browser;
  before(async () => {
    compiledMain();
    browser = await launchBrowser();
  });
  after(() => browser.close());

  test('shows every number of the snapshot, equal to status.json, and follows each change', async (t) => {
    let snapshot = fullSnapshot(1);
    const url = await showing(t, () => snapshot);
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    const assertSame = async () => {
      const status: unknown = await (await fetch(`${url}/status.json`)).json();
      const shown = await shownFields(page);
      const paths = [...shown.keys()].filter((path) => !path.startsWith('words.'));
      for (const path of paths) assert.equal(shown.get(path), rawAt(status, path), path);
      const missing = numbersOf(status).filter((path) => !shown.has(path) && !NOT_SHOWN.has(path));
      assert.deepEqual(missing, []);
    };
    await assertSame();
    snapshot = fullSnapshot(3);
    await page.waitForSelector(`[data-field="backlog.files"][data-value="${snapshot.backlog.files}"]`);
    await assertSame();
  });

  test('lists files in flight, uploads with key and digest, and what waits with its reason', async (t) => {
    const url = await showing(t, () => fullSnapshot(1));
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    const rowOf = async (list: string) =>
      (await page.locator(`[data-rows="${list}"] > tr`).first().textContent())?.replace(/\s+/g, ' ');
    assert.match((await rowOf('uploads.files')) ?? '', /camera-7\/a\.jpg.*1\.00 kB.*of 4\.00 kB/);
    const bar = page.getByRole('progressbar', { name: 'camera-7/a.jpg' }).first();
    assert.deepEqual([await bar.getAttribute('value'), await bar.getAttribute('max')], ['1000', '4000']);
    const digest = 'ab'.repeat(32);
    assert.match((await rowOf('recent.uploads')) ?? '', new RegExp(`as in/camera-7/a\\.jpg ${digest}`));
    for (const list of ['lists.deferred.files', 'lists.quarantined.files'])
      assert.match(
        (await rowOf(list)) ?? '',
        /camera-7\/a\.jpg.*cannot be read.*What to do: mend the disk/,
        list,
      );
    assert.equal(await page.getByText('… and 5 more').count(), 2);
  });

  test('shows at most 200 entries of a list', async (t) => {
    const snapshot = fullSnapshot(1);
    const [problem] = snapshot.problems;
    assert.ok(problem);
    const url = await showing(t, () => ({ ...snapshot, problems: Array(10_000).fill(problem) }));
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    assert.equal(await page.locator('[data-rows="problems"] > li').count(), 200);
  });

  test('of a running daemon shows what status --json says', async (t) => {
    const port = await freePort();
    const fixture = await DaemonFixture.create(t, { observe: { listen: port } });
    await fixture.start().says('ready');
    for (const name of ['a.jpg', 'b.jpg', 'camera-7/c.jpg']) await fixture.put(name, 'x'.repeat(1000));
    await fixture.untilDrained(['camera-7']);
    const { page } = await openPage(browser, `http://127.0.0.1:${port}`);
    t.after(() => page.close());
    await page.waitForSelector('[data-field="totals.deletedFiles"][data-value="3"]');
    await fixture.until('it is idle', async () => (await fixture.snapshot()).state === 'idle');
    await page.waitForSelector('[data-field="state"][data-value="idle"]');
    const command = fixture.command(['status', '--json', '--config', fixture.configFile]);
    await command.exit;
    const status: unknown = JSON.parse(command.stdout);
    const steady = /^(totals|uploads|state|version|pid|unit|backlog\.(files|bytes|deferred|quarantined))/;
    for (const [path, value] of await shownFields(page))
      if (steady.test(path)) assert.equal(value, rawAt(status, path), path);
    const settings = await page.locator('[data-rows="settings"] tr').allTextContents();
    assert.ok(settings.some((row) => row.includes('spool.path') && row.includes(fixture.spool)));
  });

  test('asks nothing but its daemon, and no script or style is refused', async (t) => {
    const url = await showing(t, () => fullSnapshot(1));
    const { page, complaints, origins } = await openPage(browser, url);
    t.after(() => page.close());
    await page.getByText('24 h', { exact: true }).click();
    await page.getByText(/Last 24 hours: halfpipe sent/).waitFor();
    for (const summary of await page.locator('summary').all()) await summary.click();
    assert.deepEqual([...origins], [url]);
    assert.deepEqual(complaints, []);
    // The policy would have refused them: a script that is written into the page does not run.
    const refused = `new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => resolve(violatedDirective));
      document.body.append(Object.assign(document.createElement('script'), { textContent: '1' }));
    })`;
    assert.match(String(await page.evaluate(refused)), /^script-src/);
  });

  for (const colorScheme of ['light', 'dark'] as const)
    test(`has no violation that axe finds, ${colorScheme}, wide and narrow`, async (t) => {
      const url = await showing(t, () => fullSnapshot(1));
      const { page } = await openPage(browser, url, { colorScheme });
      t.after(() => page.close());
      for (const summary of await page.locator('summary').all()) await summary.click();
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        assert.deepEqual(await violations(page), []);
      }
    });

  for (const width of [360, 768, 1280, 1920, 3840])
    test(`fits into ${width} px without scrolling sideways, whatever the names`, async (t) => {
      const long = 'a-name-without-any-space'.repeat(20);
      const snapshot = fullSnapshot(2);
      const waiting = [{ reason: 'EIO', files: 1, example: long, isFolder: false, message: long }];
      const url = await showing(t, () => ({
        ...snapshot,
        waitingFor: long,
        problems: snapshot.problems.map((problem) => ({ ...problem, message: long, remedy: long })),
        backlog: { ...snapshot.backlog, waiting },
      }));
      const { page } = await openPage(browser, url, { viewport: { width, height: 800 } });
      t.after(() => page.close());
      for (const summary of await page.locator('summary').all()) await summary.click();
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
    });

  test('comes with the Debian package', async (t) => {
    const port = await freePort();
    const fixture = await DaemonFixture.create(t, { observe: { listen: port } });
    const root = join(fixture.base, 'root');
    execFileSync('dpkg-deb', ['-x', buildPackage('1.2.3', fixture.base), root]);
    const program = join(root, 'usr/lib/halfpipe');
    const daemon = spawn(
      join(program, 'node'),
      [join(program, 'dist/main.js'), 'run', '--config', fixture.configFile],
      {
        env: { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey },
        stdio: 'ignore',
      },
    );
    t.after(() => daemon.kill());
    const url = `http://127.0.0.1:${port}`;
    await fixture.until('it answers', () =>
      fetch(url).then(
        () => true,
        () => false,
      ),
    );
    const { page, complaints } = await openPage(browser, url);
    t.after(() => page.close());
    assert.deepEqual(complaints, []);
    assert.equal((await shownFields(page)).get('version'), '1.2.3');
    daemon.kill();
    await once(daemon, 'exit');
  });

  test('says when the connection is lost, and shows the new daemon by itself', async (t) => {
    const port = await freePort();
    const fixture = await DaemonFixture.create(t, { observe: { listen: port } });
    const first = fixture.start();
    await first.says('ready');
    const { page } = await openPage(browser, `http://127.0.0.1:${port}`);
    t.after(() => page.close());
    assert.equal(await first.stop(), 0);
    await page.waitForSelector('[data-connection="lost"]');
    const status = page.getByRole('status');
    assert.match(
      (await status.textContent()) ?? '',
      /connection lost at \d\d:\d\d:\d\d: the figures are of that time, trying again/,
    );
    const second = fixture.start();
    await second.says('ready');
    await page.waitForSelector('[data-connection="live"]');
    assert.equal((await shownFields(page)).get('pid'), String(second.pid));
    assert.match((await status.textContent()) ?? '', /live/);
  });

  test('is used by keyboard: past the header, and through the chart', async (t) => {
    const url = await showing(t, () => fullSnapshot(1));
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    const focused = 'document.activeElement.textContent || document.activeElement.value';
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(focused), 'Skip to the state');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(focused), '10-minutes');
    await page.keyboard.press('ArrowRight');
    await page.getByText(/Last 24 hours/).waitFor();
  });

  test('tells a screen reader of a new state, and not of each figure', async (t) => {
    let snapshot = fullSnapshot(1);
    const url = await showing(t, () => snapshot);
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    await page.evaluate(`globalThis.told = [];
      new MutationObserver(() => told.push(document.querySelector('#announcement').textContent))
        .observe(document.querySelector('#announcement'), { childList: true, characterData: true, subtree: true })`);
    for (const seed of [3, 5]) {
      snapshot = fullSnapshot(seed);
      await page.waitForSelector(`[data-field="backlog.files"][data-value="${snapshot.backlog.files}"]`);
    }
    assert.deepEqual(await page.evaluate('told'), []);
    snapshot = fullSnapshot(4);
    await page.waitForSelector('[data-field="state"][data-value="paused"]');
    assert.deepEqual(await page.evaluate('told'), ['paused: the store says no; 1 problem']);
  });

  test('a figure that grows moves nothing around it', async (t) => {
    let snapshot = fullSnapshot(1);
    const url = await showing(t, () => snapshot);
    const { page } = await openPage(browser, url);
    t.after(() => page.close());
    const places = `[...document.querySelectorAll('.card, .figures > div')].map((it) => {
      const { x, y, width, height } = it.getBoundingClientRect();
      return [x, y, width, height].map(Math.round).join();
    })`;
    const before = await page.evaluate(places);
    const { backlog, link } = snapshot;
    assert.ok(link);
    snapshot = {
      ...snapshot,
      backlog: { ...backlog, files: 1_000_000, bytes: 999e15, oldestAgeMs: 400 * 86_400_000 },
      link: { ...link, ownBitsPerSec: 123_456_789_000, crossBitsPerSec: 1, totalBitsPerSec: 999e9 },
    };
    await page.waitForSelector('[data-field="backlog.files"][data-value="1000000"]');
    assert.deepEqual(await page.evaluate(places), before);
  });
});
