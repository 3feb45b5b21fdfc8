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
  #options: IngestOptions | undefined;

  constructor({ openDoor, ...ports }: IngestServicePorts) {
    this.#moving = new MovingDoor({
      placeOf,
      open: async (options) => {
        const door = await openDoor(options, ports);
        if (this.#backlog !== undefined) door.setBacklog(this.#backlog);
        return door;
      },
    });
  }

  get isOpen(): boolean {
    return this.#moving.isOpen();
  }

  /** Rejects with a Fault, and what was in force before stays so if its place can be had again. */
  async serve(options: IngestOptions): Promise<Listening> {
    if (this.isOpen && this.#options !== undefined && isHandedAnew(this.#options, options))
      throw handedOnce();
    await this.#moving.serve(options);
    this.#options = options;
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

/**
 * The socket that systemd hands over is gone once its server is closed, and a server cannot change
 * between plain HTTP and HTTPS.
 */
function isHandedAnew(now: IngestOptions, next: IngestOptions): boolean {
  const isHanded = now.listen.kind === 'systemd' && next.listen.kind === 'systemd';
  return isHanded && (now.tls === undefined) !== (next.tls === undefined);
}

function handedOnce(): Fault {
  return new Fault('blocked', 'ingest.tls cannot be turned on or off while ingest.listen is systemd', {
    ...{ operation: 'listen', subject: 'ingest.tls', isLocal: true },
    hint: 'Restart the service: systemd then hands its socket over anew',
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
