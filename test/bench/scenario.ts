// The scenarios: what happens on the link while a tool moves its files, and which figures are read
// off the recording.
import type { CrossSpan } from './cross-traffic.ts';
import type { Figure } from './figure.ts';
import {
  judgeBeside,
  judgeBurst,
  judgeFar,
  judgeFloor,
  judgeGreedy,
  judgeOnOff,
  judgeReload,
  judgeSteady,
  judgeStep,
} from './judgement.ts';
import type { LinkLoad } from './link-windows.ts';
import type { ServerStats } from './null-s3.ts';
import type { Produced } from './producers.ts';
import type { ToolName } from './tools.ts';

/** A recording of one tool in one scenario. Times are on the machine's monotonic clock. */
export interface Recording {
  readonly total: LinkLoad;
  readonly cross: LinkLoad;
  /** Where the scenario's own time begins: the tool is up and its start is over. */
  readonly zeroMs: number;
  readonly endMs: number;
  /** What the server saw from zero to the end; undefined when it does not say. */
  readonly served: ServerStats | undefined;
  /** When each change of the share was signalled. */
  readonly reloadsMs: readonly number[];
  /** Undefined: there are no producers. */
  readonly produced?: Produced;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly lengthMs: number;
  readonly fileBytes: number;
  /** `drop`: nothing until the given moment, then one file; `one`: a single file from the start. */
  readonly files: 'many' | 'one' | { readonly dropAtMs: number };
  readonly cross: readonly CrossSpan[];
  readonly roundTripMs: number;
  /** Producers that upload to the tool, from another network, as fast as they are answered. */
  readonly producers?: { readonly clients: number; readonly fileBytes: number };
  /** For the tools that want to be told how much to do at once. */
  readonly concurrency: number | undefined;
  readonly reloads: readonly { readonly atMs: number; readonly sharePercent: number }[];
  /** Why a tool takes no part. */
  readonly skips: Readonly<Partial<Record<ToolName, string>>>;
  judge(recording: Recording): Figure[];
}

const KB = 1000;
const QUIET = { cross: [], roundTripMs: 0, concurrency: undefined, reloads: [], skips: {} } as const;

/** Every scenario, each with `seconds` of steady measurement. */
export function scenarios(seconds: number): Scenario[] {
  const spanMs = seconds * 1000;
  const many = { ...QUIET, lengthMs: spanMs, fileBytes: 200 * KB, files: 'many' } as const;
  return [
    { ...many, name: 'alone', title: 'alone', judge: judgeSteady },
    {
      ...many,
      name: 'udp30',
      title: '30 % UDP in the second half',
      lengthMs: spanMs + 5000,
      cross: [{ fromMs: spanMs / 2, toMs: spanMs, flow: { udpPercent: 30 } }],
      judge: (recording) => judgeStep(recording, spanMs / 2, spanMs, 30),
    },
    {
      ...many,
      name: 'onoff',
      title: '30 % UDP, 2 s on, 2 s off',
      cross: Array.from({ length: Math.floor(seconds / 4) }, (_, n) => ({
        fromMs: n * 4000,
        toMs: n * 4000 + 2000,
        flow: { udpPercent: 30 },
      })),
      judge: judgeOnOff,
    },
    {
      ...many,
      name: 'udp60',
      title: '60 % UDP',
      cross: [{ fromMs: 0, toMs: spanMs, flow: { udpPercent: 60 } }],
      judge: judgeFloor,
    },
    {
      ...many,
      name: 'tcp',
      title: 'greedy TCP beside it',
      cross: [{ fromMs: 0, toMs: spanMs, flow: 'greedy TCP' }],
      judge: judgeGreedy,
    },
    {
      ...many,
      name: 'idle',
      title: '15 s idle, then a 50 MB file',
      lengthMs: 15_000 + Math.min(spanMs, 10_000),
      fileBytes: 50_000 * KB,
      files: { dropAtMs: 15_000 },
      skips: { aws: 'does not wait for files' },
      judge: judgeBurst,
    },
    { ...many, name: '20k', title: '20 KB files', fileBytes: 20 * KB, judge: judgeSteady },
    { ...many, name: '1m', title: '1 MB files', fileBytes: 1000 * KB, judge: judgeSteady },
    { ...many, name: '1g', title: 'one 1 GB file', fileBytes: 1e9, files: 'one', judge: judgeSteady },
    {
      ...many,
      name: 'rtt200',
      title: '200 ms round trip, 20 KB files',
      fileBytes: 20 * KB,
      roundTripMs: 200,
      concurrency: 128,
      judge: judgeFar,
    },
    {
      ...many,
      name: 'rtt50',
      title: '50 ms round trip',
      roundTripMs: 50,
      judge: judgeFar,
    },
    {
      ...many,
      name: 'ingest',
      title: '128 clients upload 20 KB files to it',
      producers: { clients: 128, fileBytes: 20 * KB },
      skips: { rclone: 'takes no files over HTTP', aws: 'takes no files over HTTP' },
      judge: judgeBeside,
    },
    {
      ...many,
      name: 'reload',
      title: 'share 50 → 25 → 80 % by SIGHUP',
      reloads: [
        { atMs: spanMs / 3, sharePercent: 25 },
        { atMs: (2 * spanMs) / 3, sharePercent: 80 },
      ],
      skips: { rclone: 'reloads nothing on a signal', aws: 'reloads nothing on a signal' },
      judge: (recording) => judgeReload(recording, [25, 80]),
    },
  ];
}
