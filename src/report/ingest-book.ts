// Counts what arrives over HTTP, and remembers why it is refused.
import type { IngestEvent, IngestOutcome } from '../ingest/ingest-event.ts';
import type { ProblemKind } from '../ingest/problem-kind.ts';
import { SampleRing } from '../outlook/sample-ring.ts';
import type { Clock } from '../system/clock.ts';
import { Fault, withoutHint } from '../system/fault.ts';
import { acceptedOf } from '../view/ingest-text.ts';
import type { AcceptedView, IngestRatesView, IngestView } from '../view/ingest-view.ts';
import type { DaemonEvent } from './daemon-event.ts';

/** Refusals that say something about this machine, and nothing about the client. */
export type Obstacle = 'backlog-full' | 'disk-full' | 'internal' | 'spool-unavailable' | 'tokens-unreadable';

/** What keeps producers from sending now. */
export interface IngestTrouble {
  readonly by: Obstacle | 'breakdown' | 'down';
  readonly detail: string;
  /** What to do, where it is known better than by the kind. */
  readonly hint?: string | undefined;
}

const OBSTACLES: ReadonlySet<ProblemKind> = new Set<Obstacle>([
  ...(['backlog-full', 'disk-full', 'internal', 'spool-unavailable', 'tokens-unreadable'] as const),
]);
/** An accepted file proves that these are over. The others may refuse the next file again. */
const ENDED_BY_SUCCESS: readonly Obstacle[] = ['internal', 'spool-unavailable', 'tokens-unreadable'];

/** An obstacle is over when no client has met it for this long. */
const OBSTACLE_MS = 60_000;
const RATE_MS = 60_000;
/** A shorter time says nothing about a rate. */
const RATE_MS_MIN = 2_000;
/** A sample a second. */
const SAMPLES = 64;

type State = Extract<IngestEvent, { readonly kind: 'ingestState' }>;
type Refused = Extract<IngestEvent, { readonly kind: 'ingestRefused' }>;
type Place = Pick<IngestView, 'urls' | 'isTls'>;

const NO_STATE = { connections: 0, receiving: 0, waitingSync: 0 };

/**
 * Hears events, and tells what holds now. Counts are those since the start of the daemon: a thread
 * that is started again counts on. Monotonic clock. Its memory does not grow.
 */
export class IngestBook {
  readonly #clock: Clock;
  readonly #accepted: Record<IngestOutcome, AcceptedView> = noneAccepted();
  readonly #refused = noneRefused();
  readonly #ring = new SampleRing(['files', 'bytes'], SAMPLES);
  readonly #obstacles = new Map<string, { readonly trouble: IngestTrouble; readonly untilMs: number }>();
  #place: Place | undefined;
  /** Why it does not listen. */
  #down: IngestTrouble | undefined;
  #breakdowns = 0;
  #state: Omit<State, 'kind' | 'receivedBytes'> = NO_STATE;
  #receivedBytes = 0;
  #lastAcceptedAtMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null while ingest is off. */
  view(): IngestView | null {
    if (!this.#isOn) return null;
    return {
      ...(this.#place ?? { urls: [], isTls: false }),
      isUp: this.#down === undefined,
      ...this.#state,
      receivedBytes: this.#receivedBytes,
      accepted: { ...this.#accepted },
      lastMinute: this.#rates(),
      lastAcceptedAtMs: this.#lastAcceptedAtMs,
      refused: { ...this.#refused },
      asksToWait: this.troubles.find(({ by }) => by === 'backlog-full')?.detail ?? null,
      breakdowns: this.#breakdowns,
    };
  }

  /** What keeps producers from sending; what was met in the last minute counts as present. */
  get troubles(): readonly IngestTrouble[] {
    if (!this.#isOn) return [];
    const nowMs = this.#clock.monotonicMs();
    for (const [by, { untilMs }] of this.#obstacles) if (nowMs > untilMs) this.#obstacles.delete(by);
    const met = [...this.#obstacles.values()].map(({ trouble }) => trouble);
    return this.#down === undefined ? met : [this.#down, ...met];
  }

  readonly hear = (event: DaemonEvent): void => {
    switch (event.kind) {
      case 'ingestListening': {
        const { urls, isTls } = event;
        this.#down = undefined;
        this.#place = urls.length === 0 ? undefined : { urls, isTls };
        return this.#sample();
      }
      case 'ingestBroke':
        this.#down = { by: 'breakdown', detail: event.problem };
        this.#breakdowns += 1;
        this.#state = NO_STATE;
        return;
      case 'ingestDown':
        this.#down = downBy(event.error);
        this.#state = NO_STATE;
        return;
      case 'ingestState': {
        const { kind: _, receivedBytes, ...state } = event;
        this.#receivedBytes += receivedBytes;
        this.#state = state;
        return this.#sample();
      }
      case 'ingested': {
        const { files, bytes } = this.#accepted[event.outcome];
        this.#accepted[event.outcome] = { files: files + 1, bytes: bytes + event.sizeBytes };
        this.#lastAcceptedAtMs = this.#clock.wallMs();
        for (const obstacle of ENDED_BY_SUCCESS) this.#obstacles.delete(obstacle);
        return;
      }
      case 'ingestRefused':
        return this.#note(event);
    }
  };

  get #isOn(): boolean {
    return this.#place !== undefined || this.#down !== undefined;
  }

  #note({ problem, detail }: Refused): void {
    this.#refused[problem] += 1;
    if (!isObstacle(problem)) return;
    const untilMs = this.#clock.monotonicMs() + OBSTACLE_MS;
    this.#obstacles.set(problem, { trouble: { by: problem, detail }, untilMs });
  }

  #sample(): void {
    this.#ring.add(this.#clock.monotonicMs(), this.#sum());
  }

  #sum(): AcceptedView {
    return acceptedOf({ accepted: this.#accepted });
  }

  #rates(): IngestRatesView | null {
    const nowMs = this.#clock.monotonicMs();
    const from = this.#ring.indexBefore(nowMs - RATE_MS);
    const spanMs = nowMs - this.#ring.atMs(from);
    // NaN without a sample.
    if (!(spanMs >= RATE_MS_MIN)) return null;
    const { files, bytes } = this.#sum();
    const perSec = (count: number, before: number) => ((count - before) * 1_000) / spanMs;
    return {
      filesPerSec: perSec(files, this.#ring.value('files', from)),
      bytesPerSec: perSec(bytes, this.#ring.value('bytes', from)),
    };
  }
}

function downBy(error: unknown): IngestTrouble {
  if (error instanceof Fault) return { by: 'down', detail: withoutHint(error), hint: error.hint };
  return { by: 'down', detail: error instanceof Error ? error.message : String(error) };
}

function isObstacle(problem: ProblemKind): problem is Obstacle {
  return OBSTACLES.has(problem);
}

function noneAccepted(): Record<IngestOutcome, AcceptedView> {
  const none = { files: 0, bytes: 0 };
  return { created: none, same: none, replaced: none };
}

/** Each kind is there before it happens, so that an alert can see it begin. */
function noneRefused(): Record<ProblemKind, number> {
  return {
    'bad-name': 0,
    'ignored-name': 0,
    'bad-request': 0,
    'digest-malformed': 0,
    incomplete: 0,
    unauthorized: 0,
    'token-expired': 0,
    'outside-prefix': 0,
    'not-found': 0,
    'method-not-allowed': 0,
    'too-slow': 0,
    'name-taken': 0,
    'no-access': 0,
    'length-required': 0,
    'too-large': 0,
    'unsupported-media-type': 0,
    'expectation-failed': 0,
    'digest-mismatch': 0,
    'backlog-full': 0,
    'headers-too-large': 0,
    internal: 0,
    busy: 0,
    'in-use': 0,
    'spool-unavailable': 0,
    'tokens-unreadable': 0,
    'disk-full': 0,
    'no-room': 0,
  };
}
