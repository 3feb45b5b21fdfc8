// What has been started, to be stopped in reverse order.

export class Stops {
  readonly #stops: (() => unknown)[] = [];

  push(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** `resource`, which `stop` is to be called with. */
  held<T>(resource: T, stop: (resource: T) => unknown): T {
    this.push(() => stop(resource));
    return resource;
  }

  /** One after the other, the latest first; each once. */
  async run(): Promise<void> {
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) await stop();
  }
}
