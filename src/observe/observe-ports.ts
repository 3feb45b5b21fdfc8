// What the daemon gives to those parts that show it over HTTP.
import type { ShownOption } from '../config/shown-options.ts';
import type { Clock } from '../system/clock.ts';
import type { Redact } from '../system/redact.ts';
import type { FileListName, FileListView } from '../view/file-list.ts';
import type { HistoryView } from '../view/history-view.ts';
import type { Snapshot } from '../view/snapshot.ts';
import type { ObserveEvent } from './observe-event.ts';

export interface ObserveOptions {
  /** Undefined: off. */
  readonly listen: { readonly addresses: readonly string[]; readonly port: number } | undefined;
  /** Holds the token that a client must know. */
  readonly tokenFile: string | undefined;
  /** Names of this machine that a Host header may have, besides its addresses. */
  readonly hosts: readonly string[];
}

/** The options of a listener that is on. */
export interface OpenObserveOptions extends ObserveOptions {
  readonly listen: NonNullable<ObserveOptions['listen']>;
}

export interface ObservationPorts {
  readonly clock: Clock;
  readonly snapshot: () => Snapshot;
  /** The last `agoMs`. */
  readonly history: (agoMs: number) => HistoryView;
  /** At most `limit` files of a list. Rejects with a Fault. */
  readonly list: (name: FileListName, limit: number) => Promise<FileListView>;
  /** The settings in force. */
  readonly shownOptions: () => readonly ShownOption[];
  /** Cleans every text of the snapshot. */
  readonly redact: Redact;
  readonly onEvent: (event: ObserveEvent) => void;
}
