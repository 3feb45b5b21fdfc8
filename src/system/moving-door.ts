// A listener that moves when the config says so, with as short a time without one as can be.
import { isDeepStrictEqual } from 'node:util';

/** An open listener. */
export interface Door<Options> {
  /** Other options at the same place. Rejects, and those in force stay. */
  reconfigure(options: Options): Promise<void>;
  close(): Promise<void>;
}

export interface Place {
  /** Equal for options that one open listener can serve. */
  readonly at: unknown;
  /** What only one listener can have at a time, such as a port. */
  readonly takes: string;
}

export interface MovingDoorPorts<Options, D extends Door<Options>> {
  /** Rejects with a Fault. */
  open(options: Options): Promise<D>;
  placeOf(options: Options): Place;
}

/** One call of serve() or close() at a time. */
export class MovingDoor<Options, D extends Door<Options>> {
  readonly #ports: MovingDoorPorts<Options, D>;
  #open: { readonly door: D; readonly options: Options } | undefined;

  constructor(ports: MovingDoorPorts<Options, D>) {
    this.#ports = ports;
  }

  /** Undefined while nothing is open. */
  get door(): D | undefined {
    return this.#open?.door;
  }

  isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** Rejects with a Fault, and what was in force before stays so if its place can be had again. */
  async serve(options: Options): Promise<void> {
    const before = this.#open;
    if (before === undefined) return this.#openWith(options);
    const [old, next] = [this.#ports.placeOf(before.options), this.#ports.placeOf(options)];
    if (isDeepStrictEqual(old.at, next.at)) {
      await before.door.reconfigure(options);
      this.#open = { door: before.door, options };
    } else if (old.takes === next.takes) await this.#replace(before.options, options);
    else {
      await this.#openWith(options);
      await before.door.close();
    }
  }

  /** Does nothing if none is open. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.door.close();
  }

  /** The new place is free only once the old door is closed. */
  async #replace(before: Options, options: Options): Promise<void> {
    await this.close();
    try {
      await this.#openWith(options);
    } catch (error) {
      await this.#openWith(before);
      throw error;
    }
  }

  async #openWith(options: Options): Promise<void> {
    this.#open = { door: await this.#ports.open(options), options };
  }
}
