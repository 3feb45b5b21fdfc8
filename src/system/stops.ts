// What has been started, to be stopped in reverse order.

/** A stack of stop functions. run() calls each once. */
export class Stops {
  readonly #stops: (() => unknown)[] = [];

  push(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Returns `resource`, and registers that `stop` is to be called with it. */
  held<T>(resource: T, stop: (resource: T) => unknown): T {
    this.push(() => stop(resource));
    return resource;
  }

  /**
   * Calls the functions one after another, the latest first. Rejects as they do; the rest then
   * stays.
   */
  async run(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) await stop();
  }
}
