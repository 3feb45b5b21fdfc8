// The forecast in words. AT_TWO_MS is 14:00.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { FlowRatesView } from '../../src/view/backlog-view.ts';
import { forecastText } from '../../src/view/forecast-text.ts';
import { etaIn, forecastOf } from '../support/forecasts.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const BASIS: FlowRatesView = {
  arrivedFilesPerSec: 12,
  arrivedBytesPerSec: 12e6,
  drainedFilesPerSec: 9,
  drainedBytesPerSec: 9e6,
};

for (const [what, forecast, expected] of [
  ['nothing about an empty spool', forecastOf('empty', { eta: etaIn(0) }), ''],
  ['nothing while nothing is known', forecastOf('unknown'), ''],
  ['that it keeps up', forecastOf('keeping-up', { eta: etaIn(9_000) }), 'keeping up'],
  [
    'a near end as a duration',
    forecastOf('catching-up', { eta: etaIn(38_000, 40_000) }),
    'catching up, done in 40 s',
  ],
  [
    'a later end as a range of times',
    forecastOf('catching-up', { eta: etaIn(32 * MINUTE_MS, 50 * MINUTE_MS) }),
    'catching up, done at 14:32 (to 14:50)',
  ],
  [
    'a narrow range as its later time',
    forecastOf('catching-up', { eta: etaIn(50 * MINUTE_MS, 52 * MINUTE_MS) }),
    'catching up, done at 14:52',
  ],
  [
    'an end that is not certain as the best case',
    forecastOf('catching-up', { eta: etaIn(32 * MINUTE_MS, null) }),
    'catching up, done at 14:32 at best',
  ],
  [
    'the day of an end that is more than twelve hours away',
    forecastOf('catching-up', { eta: etaIn(9 * HOUR_MS, 20 * HOUR_MS) }),
    'catching up, done at 23:00 (to Fri 10:00)',
  ],
  [
    'an end in more than six days by its date',
    forecastOf('catching-up', { eta: etaIn(240 * HOUR_MS) }),
    'catching up, done 25 Jan 14:00',
  ],
  [
    'how far it falls behind, when the disk is full and which share would hold',
    forecastOf('falling-behind', { basis: BASIS, shareToHold: 0.6667, diskFullMs: 5 * HOUR_MS }),
    "falling behind: 12.0 files/s arrive, 9.00 leave; the spool's disk is full in 5 h; a share of 67 % would hold",
  ],
  [
    'that no share would hold',
    forecastOf('falling-behind', { basis: BASIS, shareToHold: 1.3 }),
    'falling behind: 12.0 files/s arrive, 9.00 leave; no share of the line would hold',
  ],
  [
    'bytes where the files do not show it',
    forecastOf('falling-behind', { basis: { ...BASIS, drainedFilesPerSec: 13 } }),
    'falling behind: 12.0 MB/s arrive, 9.00 MB/s leave',
  ],
  [
    'that nothing leaves, and when that fills the disk',
    forecastOf('stalled', { diskFullMs: 90 * MINUTE_MS }),
    "nothing leaves; the spool's disk is full in 1 h 30 min",
  ],
] as const) {
  test(`says ${what}`, () => assert.equal(forecastText(forecast), expected));
}
