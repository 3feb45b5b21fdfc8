// What the door asks of the rooms below it, and how long it waits for a client.
import type { Deposit } from '../spool/deposit.ts';
import type { Deposits } from '../spool/deposits.ts';
import type { Clock } from '../system/clock.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { Tokens } from './tokens.ts';

/** A private file on its way into the spool. */
export type ReceivedFile = Pick<Deposit, 'write' | 'publish' | 'discard'>;

/** The way into the spool. */
export interface SpoolEntrance extends Pick<Deposits, 'freeSpace' | 'find'> {
  begin(): Promise<ReceivedFile>;
}

export interface IngestPorts {
  readonly clock: Clock;
  readonly onEvent: (event: IngestEvent) => void;
  readonly deposits: SpoolEntrance;
  /** The tokens of this file. */
  readonly tokens: (file: string) => Pick<Tokens, 'grant'>;
  readonly patience?: Partial<Patience>;
}

/** How long the door waits for a client. */
export interface Patience {
  /** From the connection, or the last answer's end, to the end of the next request's headers. */
  readonly headersMs: number;
  /** An idle connection is closed after this time. */
  readonly idleMs: number;
  /**
   * A client has to send `bytesPerSec` on average over this time in which the door waits for it.
   */
  readonly windowMs: number;
  readonly bytesPerSec: number;
  /** How long the rest of a refused upload is read, so that its client reads the answer. */
  readonly lingerMs: number;
}

export const PATIENCE: Patience = {
  headersMs: 10_000,
  // Longer than a minute, because many producers send once a minute.
  idleMs: 65_000,
  windowMs: 20_000,
  bytesPerSec: 1_024,
  lingerMs: 5_000,
};
