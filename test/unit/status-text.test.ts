// The daemon's state in one line, as systemctl and the log show it.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { BacklogView } from '../../src/view/backlog-view.ts';
import type { PacketsView } from '../../src/view/packets-view.ts';
import type { ProblemView } from '../../src/view/problem-view.ts';
import type { DaemonState, LinkView } from '../../src/view/snapshot.ts';
import { statusText, unitStatus } from '../../src/view/status-text.ts';
import { etaIn, forecastOf } from '../support/forecasts.ts';
import { DRAINING, LINK as DRAINING_LINK } from '../support/snapshot-fixture.ts';

const BACKLOG: BacklogView = {
  ...{ ...DRAINING.backlog, files: 2_914, oldestAgeMs: 60_000 },
  forecast: forecastOf('catching-up', { eta: etaIn(32 * 60_000) }),
};
const LINK: LinkView = { ...DRAINING_LINK, totalBitsPerSec: 49.9e6 };

const WAITING = { isFolder: false, message: 'put object failed' };

function text(
  state: DaemonState,
  { backlog = {}, link = {}, packets = null, waitingFor = null as string | null } = {} as {
    packets?: PacketsView | null;
    backlog?: Partial<BacklogView>;
    link?: Partial<LinkView>;
    waitingFor?: string | null;
  },
): string {
  return statusText({
    state,
    waitingFor,
    packets,
    backlog: { ...BACKLOG, ...backlog },
    link: { ...LINK, ...link },
  });
}

for (const [what, actual, expected] of [
  [
    'a line that is slower than configured, and what to set',
    text('draining', { link: { slowLine: { bitsPerSec: 1.5e6, limitedBy: 'line' } } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s, the line takes 1.50 Mbit/s, link.capacity says 100 Mbit/s: set link.capacity to 1.50 Mbit/s · catching up, done at 14:32',
  ],
  [
    'how many files wait for company',
    text('draining', {
      packets: { gatheredFiles: 1_200, gatheredBytes: 1, completePackets: 1, completeFiles: 300 },
    }),
    'draining 2,914 files · 1,200 files wait for company in a packet · 49.9 Mbit/s of 50.0 Mbit/s · catching up, done at 14:32',
  ],
  [
    'how much, how fast and how long',
    text('draining'),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s · catching up, done at 14:32',
  ],
  [
    'what is skipped, and does not call the spool empty then',
    text('idle', {
      backlog: {
        files: 0,
        skipped: [
          {
            kind: 'closed folder',
            what: 'folders that cannot be read',
            remedy: 'chmod',
            count: 2,
            example: 'priv',
            hidesFiles: true,
          },
        ],
      },
    }),
    'idle: nothing that can be uploaded · skipped 2 folders that cannot be read, such as priv',
  ],
  [
    'why it stands still',
    text('paused', { waitingFor: 'the bucket does not exist' }),
    'paused: the bucket does not exist; 2,914 files wait',
  ],
  [
    'no time for what is about to be over',
    text('draining', { backlog: { files: 0, forecast: forecastOf('empty') } }),
    'draining 0 files · 49.9 Mbit/s of 50.0 Mbit/s',
  ],
  [
    'why one file waits, and what needs a human',
    text('paused', { waitingFor: 'no network', backlog: { files: 1, quarantined: 2 } }),
    'paused: no network; 1 file waits · 2 in quarantine',
  ],
  [
    'what needs a human when all else is done',
    text('idle', { backlog: { files: 0, quarantined: 1 } }),
    'idle: the spool is empty · 1 in quarantine',
  ],
  [
    'how old a file is that waits for more than a minute',
    text('draining', { backlog: { files: 1, oldestAgeMs: 125_000, forecast: forecastOf('unknown') } }),
    'draining 1 file, oldest 2 min 5 s · 49.9 Mbit/s of 50.0 Mbit/s',
  ],
  ['that there is nothing to do', text('idle', { backlog: { files: 0 } }), 'idle: the spool is empty'],
  [
    'that more arrives than leaves',
    text('draining', { backlog: { forecast: forecastOf('falling-behind') } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s · falling behind',
  ],
  [
    'no ending it does not know',
    text('draining', { backlog: { forecast: forecastOf('unknown') } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s',
  ],
  [
    'that others take the link',
    text('draining', { link: { floorEngaged: true }, backlog: { forecast: forecastOf('unknown') } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s, others take more than the target: sending the floor',
  ],
  [
    'that it cannot measure',
    text('draining', { link: { degraded: true }, backlog: { forecast: forecastOf('unknown') } }),
    'draining 2,914 files · the link cannot be measured',
  ],
  [
    'that all there is waits for its next try',
    text('draining', {
      backlog: { files: 3, deferred: 3, oldestAgeMs: 120_000, forecast: forecastOf('unknown') },
    }),
    'waiting to try 3 files again, oldest 2 min · 3 deferred',
  ],
  [
    'what is deferred and what needs a human',
    text('draining', { backlog: { deferred: 1_200, quarantined: 3, forecast: forecastOf('unknown') } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s · 1,200 deferred, 3 in quarantine',
  ],
  [
    'what is not complete yet',
    text('draining', { backlog: { written: 2, forecast: forecastOf('unknown') } }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s · 2 still being written',
  ],
  [
    'why files wait, in three reasons at most',
    text('draining', {
      backlog: {
        deferred: 604,
        forecast: forecastOf('unknown'),
        waiting: [
          { ...WAITING, files: 500, reason: 'AccessDenied', example: 'cam2/', isFolder: true },
          { ...WAITING, files: 100, reason: 'EIO', example: 'a.jpg' },
          { ...WAITING, files: 3, reason: 'AccessDenied', example: '', isFolder: true },
          { ...WAITING, files: 1, reason: 'Http413', example: 'b.mp4' },
        ],
      },
    }),
    'draining 2,914 files · 49.9 Mbit/s of 50.0 Mbit/s · 604 deferred (500 AccessDenied below cam2/, ' +
      '100 EIO such as a.jpg, 3 AccessDenied right in the spool, …)',
  ],
] as const) {
  test(`says ${what}`, () => assert.equal(actual, expected));
}

test('says what to do about the worst problem, where the log is not at hand', () => {
  const status = {
    state: 'paused',
    ...{ waitingFor: 'no network', backlog: BACKLOG, link: LINK, packets: null, unit: 'halfpipe@door' },
  } as const;
  const problem: ProblemView = {
    ...{ kind: 'link' as const, severity: 'degraded' as const, sinceAtMs: 0, message: 'no network' },
    ...{ remedy: 'plug it in', nextTryAtMs: null, files: null },
  };
  const text = 'paused: no network; 2,914 files wait';
  assert.equal(unitStatus({ ...status, problems: [problem] }), `${text} · what to do: plug it in`);
  const unknown = { ...problem, remedy: null };
  assert.equal(
    unitStatus({ ...status, problems: [unknown] }),
    `${text} · what to do: journalctl -u halfpipe@door`,
  );
  assert.equal(unitStatus({ ...status, problems: [] }), text);
});
