// Shows the daemon over HTTP while `observe.listen` is set. What that needs is loaded only then.
import type { Prepared } from '../system/prepared.ts';
import type { Door } from './door.ts';
import type { ObservationPorts, ObserveOptions } from './observe-ports.ts';

/** start() and stop() pair up. In between, one prepare() at a time changes the options. */
export class Observation {
  readonly #ports: ObservationPorts;
  #door: Door | undefined;

  constructor(ports: ObservationPorts) {
    this.#ports = ports;
  }

  /** Rejects with a Fault when it cannot listen, or when the token cannot be read. */
  async start(options: ObserveOptions): Promise<void> {
    await (await this.prepare(options)).commit();
  }

  /**
   * Tries out new options: reads the token again, and listens where they say. Rejects with a
   * Fault, and the old options stay in force.
   */
  async prepare(options: ObserveOptions): Promise<Prepared> {
    const old = this.#door;
    const next = options.listen && (await this.#doorOf(options.listen, options));
    if (old !== undefined && next !== undefined && old.isAt(next.at))
      return { commit: async () => this.#admit(old, next), discard: async () => undefined };
    // The same port at other addresses is free only once the old door is shut.
    const inTheWay = old !== undefined && old.at.port === next?.at.port;
    if (inTheWay) await old.close();
    const goBack = async () => {
      if (inTheWay) await old.open();
    };
    try {
      await next?.open();
    } catch (error) {
      await goBack();
      throw error;
    }
    return {
      commit: async () => {
        this.#door = next;
        if (!inTheWay) await old?.close();
        if (old !== undefined || next !== undefined) this.#tell();
      },
      discard: async () => {
        await next?.close();
        await goBack();
      },
    };
  }

  async stop(): Promise<void> {
    const door = this.#door;
    this.#door = undefined;
    await door?.close();
  }

  async #doorOf(listen: NonNullable<ObserveOptions['listen']>, options: ObserveOptions): Promise<Door> {
    const { makeDoor } = await import('./door.ts');
    return makeDoor({ ...listen, setting: 'observe.listen' }, options, this.#ports);
  }

  #admit(door: Door, { access }: Door): void {
    const { isOpen } = door;
    door.admit(access);
    if (door.isOpen !== isOpen) this.#tell();
  }

  #tell(): void {
    const door = this.#door;
    this.#ports.onEvent({ kind: 'observing', urls: door?.urls ?? [], isOpen: door?.isOpen ?? false });
  }
}
