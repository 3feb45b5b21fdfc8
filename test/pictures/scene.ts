// A gateway with seven cameras on a line of 100 Mbit/s, ten minutes after a burst: what the README's pictures show.
import { createHash } from 'node:crypto';
import { History } from '../../src/outlook/history.ts';
import { type FileListName, type FileListView, type FileView, fileView } from '../../src/view/file-list.ts';
import type { HistoryView } from '../../src/view/history-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';
import { forecastOf } from '../support/forecasts.ts';
import { DRAINING, LINK } from '../support/snapshot-fixture.ts';

const NOW_MS = new Date(2026, 10, 27, 14, 32, 8).getTime();
const MINUTE_MS = 60_000;

export const SETTINGS = [
  { key: 's3.bucket', value: 'inbound', origin: '/etc/halfpipe/halfpipe.yaml:31' },
  { key: 'link.share', value: '50 %', origin: 'default' },
];

const digestOf = (name: string) => createHash('sha256').update(name).digest('hex');

function file(camera: number, number: number, state: string, known: Partial<FileView>): FileView {
  const name = `camera-${camera}/2026-11-27/${String(number).padStart(5, '0')}.jpg`;
  const path = { bytes: Buffer.from(name), toString: () => name };
  return fileView(path, state, { sizeBytes: 3_400_000 + camera * 91_000, ...known });
}

const sending = [0.83, 0.61, 0.34, 0.12].map((part, index) => {
  const camera = index + 2;
  const sizeBytes = 3_400_000 + camera * 91_000;
  return file(camera, 1_431 + index, 'sending', {
    sentBytes: Math.round(part * sizeBytes),
    sinceAtMs: NOW_MS,
  });
});

const uploads = [0, 1, 2, 3, 4].map((ago) => {
  const [camera, number] = [(9 - ago) % 7 || 7, 1_430 - ago];
  const key = `inbound/camera-${camera}/2026-11-27/${String(number).padStart(5, '0')}.jpg`;
  return file(camera, number, 'uploaded', { key, sha256: digestOf(key), sinceAtMs: NOW_MS - ago * 700 });
});

const why = {
  reason: 'the file cannot be read: permission denied (EACCES)',
  remedy: 'let the service read it: chmod g+r',
};
const deferred = [3, 4].map((number) =>
  file(6, 980 + number, 'deferred', {
    ...why,
    attempts: number,
    nextTryAtMs: NOW_MS + number * 4 * MINUTE_MS,
  }),
);

export function lists(list: FileListName): FileListView {
  return { list, files: list === 'deferred' ? deferred : [], total: list === 'deferred' ? 2 : 0 };
}

export function snapshot(): Snapshot {
  return {
    ...DRAINING,
    takenAtMs: NOW_MS,
    uptimeMs: 9 * 86_400_000,
    problems: [
      {
        ...{ kind: 'deferred', severity: 'degraded', files: 2, sinceAtMs: NOW_MS - 21 * MINUTE_MS },
        message: `2 EACCES below camera-6: ${why.reason}`,
        ...{ remedy: why.remedy, nextTryAtMs: NOW_MS + 12 * MINUTE_MS },
      },
    ],
    backlog: {
      ...DRAINING.backlog,
      ...{ files: 2_914, bytes: 10.4e9, oldestAgeMs: 24 * MINUTE_MS, deferred: 2, freeBytes: 412e9 },
      flow: {
        lastMinute: rates(0.42, 1.66),
        last10Minutes: rates(0.71, 1.58),
        lastHour: rates(1.12, 1.21),
      },
      forecast: forecastOf('catching-up', {
        eta: {
          ...{ lowMs: 38 * MINUTE_MS, highMs: 51 * MINUTE_MS },
          ...{ lowAtMs: NOW_MS + 38 * MINUTE_MS, highAtMs: NOW_MS + 51 * MINUTE_MS },
        },
      }),
    },
    link: { ...LINK, interface: 'eth0', ...rateAt(599), budgetBitsPerSec: 44.9e6 },
    uploads: { active: 4, limit: 4, files: sending },
    recent: { uploads, failures: deferred.map((it) => ({ ...it, sinceAtMs: NOW_MS - 21 * MINUTE_MS })) },
    totals: {
      ...{ uploadedFiles: 812_440, uploadedBytes: 2.87e12, alreadyThereFiles: 12, verifiedFiles: 812_452 },
      ...{ deletedFiles: 812_452, multipartFiles: 214, retries: 61, quarantinedFiles: 0 },
      ...{ uploadedPackets: 0, packedFiles: 0, repeatedFiles: 0 },
    },
  };
}

function rates(arrived: number, drained: number) {
  return {
    ...{ arrivedFilesPerSec: arrived, arrivedBytesPerSec: arrived * 3.6e6 },
    ...{ drainedFilesPerSec: drained, drainedBytesPerSec: drained * 3.6e6 },
  };
}

/** Others come and go, and halfpipe fills what they leave of the target. */
function rateAt(second: number) {
  const wave = Math.max(0, Math.sin(second / 63)) ** 2 * 24e6;
  const burst = second % 210 > 150 ? 9e6 : 0;
  const noise = Math.sin(second * 12.9898) * 43_758.5453;
  const crossBitsPerSec = Math.round(1.1e6 + wave + burst + (noise - Math.floor(noise)) * 1.6e6);
  const totalBitsPerSec = Math.round(49.6e6 + Math.sin(second * 1.7) * 0.4e6);
  return { crossBitsPerSec, totalBitsPerSec, ownBitsPerSec: totalBitsPerSec - crossBitsPerSec };
}

export function history(agoMs: number): HistoryView {
  const past = new History();
  const nothing = { files: 0, bytes: 0, arrivedFiles: 0, arrivedBytes: 0, drainedFiles: 0, drainedBytes: 0 };
  const level = { targetBitsPerSec: LINK.targetBitsPerSec, capacityBitsPerSec: LINK.capacityBitsPerSec };
  for (let second = 0; second < 600; second += 1)
    past.observe(second * 1_000, { ...nothing, ...level, ...rateAt(second) });
  return past.since(agoMs, 600_000, NOW_MS);
}
