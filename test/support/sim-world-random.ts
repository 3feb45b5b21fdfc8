// The one source of chance in a simulation: the same seed gives the same numbers, on every machine and version.

/** xorshift32 behind a splitmix start, so that neighbouring seeds have nothing in common. */
export class SimRandom {
  #state: number;

  /** Any integer. */
  constructor(seed: number) {
    this.#state = mixed(mixed(seed >>> 0) ^ mixed(Math.floor(seed / 2 ** 32) + 0x51ed)) || 1;
  }

  /** In [0, 1). */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return (mixed(this.#state) >>> 0) / 2 ** 32;
  }

  /** In [0, below), whole. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.int(choices.length)] ?? choices[0];
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let at = 0; at < count; at += 1) bytes[at] = this.int(256);
    return bytes;
  }

  /** A generator of its own, so that one part's draws do not shift another's. */
  fork(): SimRandom {
    return new SimRandom(this.int(2 ** 32));
  }
}

function mixed(value: number): number {
  let x = (value + 0x9e3779b9) | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
