// Shows the daemon over HTTP while `observe.listen` is set. What that needs is loaded only then.
import { isDeepStrictEqual } from 'node:util';
import { KeptOpen } from '../system/kept-open.ts';
import { MovingDoor } from '../system/moving-door.ts';
import type { Prepared } from '../system/prepared.ts';
import type { ObserveDoor } from './observe-door.ts';
import type { ObservationPorts, ObserveOptions, OpenObserveOptions } from './observe-ports.ts';

/** start() and stop() pair up. In between, one prepare() at a time changes the options. */
export class Observation {
  readonly #ports: ObservationPorts;
  readonly #kept: KeptOpen<OpenObserveOptions>;
  readonly #moving: MovingDoor<OpenObserveOptions, ObserveDoor>;
  /** What was told last; undefined while it cannot listen. */
  #told: { readonly urls: readonly string[]; readonly isOpen: boolean } | undefined = OFF;

  constructor(ports: ObservationPorts) {
    this.#ports = ports;
    this.#moving = new MovingDoor({
      placeOf: ({ listen }) => ({ at: listen, takes: `port ${listen.port}` }),
      open: async (options) => (await import('./observe-door.ts')).ObserveDoor.open(options, ports),
    });
    this.#kept = new KeptOpen(ports.clock, this.#moving, {
      onFailure: (error) => {
        this.#told = undefined;
        ports.onEvent({ kind: 'observeDown', error });
      },
      onChange: () => this.#tell(),
    });
  }

  /** Never rejects; see KeptOpen. */
  start(options: ObserveOptions): Promise<void> {
    return this.#kept.start(openOptions(options));
  }

  /** Tries out new options. Rejects with a Fault, and the old options stay in force. */
  prepare(options: ObserveOptions): Promise<Prepared> {
    return this.#kept.prepare(openOptions(options));
  }

  stop(): Promise<void> {
    return this.#kept.stop();
  }

  /** Says nothing twice. */
  #tell(): void {
    const { urls, isOpen } = this.#moving.door ?? OFF;
    if (isDeepStrictEqual({ urls, isOpen }, this.#told)) return;
    this.#told = { urls, isOpen };
    this.#ports.onEvent({ kind: 'observing', urls, isOpen });
  }
}

const OFF = { urls: [], isOpen: false };

/** Undefined: off. */
function openOptions({ listen, ...more }: ObserveOptions): OpenObserveOptions | undefined {
  return listen && { listen, ...more };
}
