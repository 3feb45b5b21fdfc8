// What keeps producers from sending files over HTTP, each with what to do about it.
import type { IngestTrouble } from './ingest-book.ts';
import type { Problem } from './problem-book.ts';

/** A backlog at its limit for less long is what the limit is for. */
const PASSING_MS = 5 * 60_000;

type Wording = Pick<Problem, 'kind' | 'remedy' | 'degradedAfterMs'> & { readonly what: string };

const WORDING: Readonly<Record<IngestTrouble['by'], Wording>> = {
  breakdown: {
    kind: 'ingest',
    what: 'receiving files over HTTP has broken down, and is started again',
    remedy: 'the drain continues, and producers have to try again; the log says how it broke down',
    degradedAfterMs: 0,
  },
  down: {
    kind: 'ingest',
    what: 'no file is received over HTTP',
    remedy: 'it is tried again by itself; halfpipe check examines what ingest needs',
    degradedAfterMs: 0,
  },
  internal: {
    kind: 'ingest',
    what: 'files sent over HTTP were refused, because of an unexpected error',
    remedy: 'producers have to try again; the log says what failed',
    degradedAfterMs: 0,
  },
  'spool-unavailable': {
    kind: 'ingest',
    what: 'files sent over HTTP are refused, because the spool cannot be written to',
    remedy: 'mount the spool, and let the service user write to it; halfpipe check examines it',
    degradedAfterMs: 0,
  },
  'tokens-unreadable': {
    kind: 'ingest-tokens',
    what: 'every file sent over HTTP is refused, because tokens cannot be checked',
    remedy: 'mend ingest.tokensFile, or its permissions; halfpipe check examines it',
    degradedAfterMs: 0,
  },
  'disk-full': {
    kind: 'ingest-disk',
    what: 'files sent over HTTP are refused, because the disk has too little space',
    remedy: "free space on the spool's disk, or lower ingest.minFreeSpace",
    degradedAfterMs: 0,
  },
  'backlog-full': {
    kind: 'ingest-waits',
    what: 'producers are asked to wait, because the backlog is at its limit',
    remedy: 'raise the share for a while (halfpipe share), or raise ingest.backlogLimit',
    degradedAfterMs: PASSING_MS,
  },
};

export function ingestProblems(troubles: readonly IngestTrouble[]): Problem[] {
  return troubles.map(({ by, detail, hint }) => {
    const { what, remedy, ...wording } = WORDING[by];
    return { ...wording, what: by, message: `${what}: ${detail}`, remedy: hint ?? remedy };
  });
}
