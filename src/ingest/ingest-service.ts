// What runs in the ingest thread: one open door, which moves when the options say so.
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { BacklogSize, IngestOptions, IngestPlace } from './ingest-options.ts';

/** An open door. */
export interface Door {
  /** Where it listens, for people. */
  readonly urls: readonly string[];
  /**
   * Other limits, tokens and certificates at the same place. Rejects with a Fault, and those in
   * force stay.
   */
  reconfigure(options: IngestOptions): Promise<void>;
  setBacklog(backlog: BacklogSize): void;
  /** Resolves when no deposit is under way any more. */
  close(): Promise<void>;
}

export interface IngestServicePorts {
  readonly clock: Clock;
  readonly onEvent: (event: IngestEvent) => void;
  readonly openDoor: (
    options: IngestOptions,
    ports: Pick<IngestServicePorts, 'clock' | 'onEvent'>,
  ) => Promise<Door>;
}

/** One call of serve() or close() at a time. */
export class IngestService {
  readonly #ports: IngestServicePorts;
  #open: { readonly door: Door; readonly options: IngestOptions } | undefined;
  #backlog: BacklogSize | undefined;

  constructor(ports: IngestServicePorts) {
    this.#ports = ports;
  }

  /** Rejects with a Fault, and what was in force before stays so. */
  async serve(options: IngestOptions): Promise<void> {
    const before = this.#open;
    if (before !== undefined && isSamePlace(before.options, options)) {
      await before.door.reconfigure(options);
      this.#open = { door: before.door, options };
    } else if (before !== undefined && isInTheWay(before.options.listen, options.listen)) {
      await before.door.close();
      this.#open = undefined;
      try {
        await this.#openAt(options);
      } catch (error) {
        await this.#openAt(before.options);
        throw error;
      }
    } else {
      await this.#openAt(options);
      await before?.door.close();
    }
    this.#tell();
  }

  setBacklog(backlog: BacklogSize): void {
    this.#backlog = backlog;
    this.#open?.door.setBacklog(backlog);
  }

  /** Resolves when no deposit is under way any more. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.door.close();
  }

  async #openAt(options: IngestOptions): Promise<void> {
    const { openDoor, clock, onEvent } = this.#ports;
    if (options.listen.kind === 'systemd' && options.listen.fd === undefined) throw noSocket();
    const door = await openDoor(options, { clock, onEvent });
    if (this.#backlog !== undefined) door.setBacklog(this.#backlog);
    this.#open = { door, options };
  }

  #tell(): void {
    if (this.#open === undefined) return;
    const { door, options } = this.#open;
    this.#ports.onEvent({ kind: 'ingestListening', urls: door.urls, isTls: options.tls !== undefined });
  }
}

function noSocket(): Fault {
  return new Fault('blocked', 'ingest.listen is systemd, but systemd has handed over no socket', {
    operation: 'listen',
    subject: 'ingest.listen',
    hint: 'Enable the socket unit of the service, or set ingest.listen to an address and a port',
    isLocal: true,
  });
}

/** A listening socket cannot change between plain HTTP and HTTPS. */
function isSamePlace(a: IngestOptions, b: IngestOptions): boolean {
  return isDeepStrictEqual(a.listen, b.listen) && (a.tls === undefined) === (b.tls === undefined);
}

/** The new place is free only once the old door is closed. */
function isInTheWay(a: IngestPlace, b: IngestPlace): boolean {
  if (a.kind === 'tcp' && b.kind === 'tcp') return a.port === b.port;
  return isDeepStrictEqual(a, b);
}
