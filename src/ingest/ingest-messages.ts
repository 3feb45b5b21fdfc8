// What the main thread and the ingest thread tell each other.
import type { CarriedError } from '../system/carried-error.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';

export interface Listening {
  /** Where it listens, for people. Empty if it is off. */
  readonly urls: readonly string[];
  readonly isTls: boolean;
}

/** To the ingest thread. */
export type IngestOrder =
  /** Answered by `serving` or `refused`. In the latter case, what was in force before stays so. */
  | { readonly kind: 'serve'; readonly options: IngestOptions }
  | { readonly kind: 'backlog'; readonly backlog: BacklogSize }
  /** The thread ends when what is being made durable is durable. */
  | { readonly kind: 'close' };

/** From the ingest thread. */
export type IngestNotice =
  | { readonly kind: 'serving'; readonly listening: Listening }
  /** `isOpen`: what was in force before still is. */
  | { readonly kind: 'refused'; readonly error: CarriedError; readonly isOpen: boolean }
  | { readonly kind: 'event'; readonly event: CarriedEvent };

/** An event without objects that do not survive the way. */
export type CarriedEvent =
  | Exclude<IngestEvent, { kind: 'fault' }>
  | { readonly kind: 'fault'; readonly operation: string; readonly error: CarriedError };
