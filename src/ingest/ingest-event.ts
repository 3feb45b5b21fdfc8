// What ingest reports: where it listens, what became of each request, and what is under way.
import type { RecurringFault } from '../system/fault.ts';
import type { ProblemKind } from './problem-kind.ts';

/** `same`: a file with these bytes and this name was there already. */
export type IngestOutcome = 'created' | 'same' | 'replaced';

export type IngestEvent =
  /** It listens from now on, also after a breakdown; or it has stopped after a reload. */
  | {
      readonly kind: 'ingestListening';
      /** URLs, or `unix:` and the path of a socket. Empty: it is off. */
      readonly urls: readonly string[];
      readonly isTls: boolean;
    }
  /** A file is in the spool, durably, and its producer is told so. */
  | {
      readonly kind: 'ingested';
      /** Below the spool. */
      readonly path: string;
      readonly sizeBytes: number;
      /** The name of the token. */
      readonly token: string;
      readonly outcome: IngestOutcome;
      /** From the request's first byte to the answer. */
      readonly elapsedMs: number;
    }
  /** A request was answered with a problem, or cut off. */
  | {
      readonly kind: 'ingestRefused';
      readonly status: number;
      readonly problem: ProblemKind;
      /** The name of the token; undefined unless a valid one came. */
      readonly token: string | undefined;
      /** Below the spool, as the client sent it; undefined if the request names no file. */
      readonly path: string | undefined;
      /** The address of the client; undefined for a Unix socket. */
      readonly client: string | undefined;
      /** What is wrong with this request, in one line, for the operator too. */
      readonly detail: string;
    }
  /** Once a second while it listens, and once more when it has stopped. */
  | {
      readonly kind: 'ingestState';
      /** Uploads whose content is being received. */
      readonly receiving: number;
      readonly connections: number;
      /** Uploads that are received, and wait until the disk has them. */
      readonly waitingSync: number;
      /** Bytes of content that were received since the last of these, accepted or not. */
      readonly receivedBytes: number;
    }
  /** The thread broke down, and is started again. */
  | { readonly kind: 'ingestBroke'; readonly problem: string }
  /**
   * Files cannot be taken as configured, for example because another program has the port. It is
   * tried again.
   */
  | { readonly kind: 'ingestDown'; readonly error: unknown }
  | RecurringFault;
