// What arrives over HTTP, as part of a snapshot.
import type { IngestOutcome } from '../ingest/ingest-event.ts';
import type { ProblemKind } from '../ingest/problem-kind.ts';

export interface IngestView {
  /** Where it listens: URLs, or `unix:` and the path of a socket. Empty if it never could. */
  readonly urls: readonly string[];
  /** True if it speaks TLS itself. */
  readonly isTls: boolean;
  /** False while it cannot listen, or is started again after a breakdown. */
  readonly isUp: boolean;
  /** Connections of clients. */
  readonly connections: number;
  /** Uploads whose content is being received. */
  readonly receiving: number;
  /** Uploads that are received, and wait until the disk has them. */
  readonly waitingSync: number;
  /** Bytes of content that were received, whether the file was accepted or not. */
  readonly receivedBytes: number;
  /**
   * Files that are durably in the spool and were acknowledged. `same`: the spool had the same bytes
   * under this name. `replaced`: the file took the place of another, as its producer had asked.
   */
  readonly accepted: Readonly<Record<IngestOutcome, AcceptedView>>;
  /** What was accepted in the last 60 s, on average; null for 2 s after the start. */
  readonly lastMinute: IngestRatesView | null;
  /** When a file was accepted last, in milliseconds since the epoch; null if none was. */
  readonly lastAcceptedAtMs: number | null;
  /** Requests that were refused, by the type of the problem that was answered. */
  readonly refused: Readonly<Record<ProblemKind, number>>;
  /** Why producers were asked to wait (429) in the last minute; null if they were not. */
  readonly asksToWait: string | null;
  /** How often the thread that receives has broken down. */
  readonly breakdowns: number;
}

/** Counts since the start of the daemon. */
export interface AcceptedView {
  /** Files with this outcome. */
  readonly files: number;
  /** Their size. */
  readonly bytes: number;
}

export interface IngestRatesView {
  /** Files that were accepted. */
  readonly filesPerSec: number;
  /** Their size. */
  readonly bytesPerSec: number;
}
