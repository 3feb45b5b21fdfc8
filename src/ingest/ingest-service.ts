// What runs in the ingest thread: one open door, which moves when the options say so.

import type { Clock } from '../system/clock.ts';
import { Fault } from '../system/fault.ts';
import { type Door, MovingDoor, type Place } from '../system/moving-door.ts';
import type { IngestEvent } from './ingest-event.ts';
import type { Listening } from './ingest-messages.ts';
import type { BacklogSize, IngestOptions, IngestPlace } from './ingest-options.ts';

export interface OpenIngestDoor extends Door<IngestOptions> {
  /** Where it listens, for people. */
  readonly urls: readonly string[];
  setBacklog(backlog: BacklogSize): void;
}

export interface IngestServicePorts {
  readonly clock: Clock;
  readonly onEvent: (event: IngestEvent) => void;
  readonly openDoor: (
    options: IngestOptions,
    ports: Pick<IngestServicePorts, 'clock' | 'onEvent'>,
  ) => Promise<OpenIngestDoor>;
}

/** One call of serve() or close() at a time. */
export class IngestService {
  readonly #moving: MovingDoor<IngestOptions, OpenIngestDoor>;
  #backlog: BacklogSize | undefined;

  constructor({ openDoor, ...ports }: IngestServicePorts) {
    this.#moving = new MovingDoor({
      placeOf,
      open: async (options) => {
        if (options.listen.kind === 'systemd' && options.listen.fd === undefined) throw noSocket();
        const door = await openDoor(options, ports);
        if (this.#backlog !== undefined) door.setBacklog(this.#backlog);
        return door;
      },
    });
  }

  /** Rejects with a Fault, and what was in force before stays so. */
  async serve(options: IngestOptions): Promise<Listening> {
    await this.#moving.serve(options);
    return { urls: this.#moving.door?.urls ?? [], isTls: options.tls !== undefined };
  }

  setBacklog(backlog: BacklogSize): void {
    this.#backlog = backlog;
    this.#moving.door?.setBacklog(backlog);
  }

  /** Resolves when no deposit is under way any more. */
  close(): Promise<void> {
    return this.#moving.close();
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
function placeOf({ listen, tls }: IngestOptions): Place {
  return { at: { listen, isTls: tls !== undefined }, takes: takenBy(listen) };
}

function takenBy(place: IngestPlace): string {
  switch (place.kind) {
    case 'tcp':
      return `port ${place.port}`;
    case 'unix':
      return place.path;
    case 'systemd':
      return `descriptor ${place.fd}`;
  }
}
