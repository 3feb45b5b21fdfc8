// What the keys of `halfpipe top` do: orders to the daemon, or the end.
import type { Obeyed, Order } from '../control/order.ts';
import type { Clock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { CTRL_C, CTRL_D } from './keyboard.ts';

/** A pause by a key ends by itself, in case it is forgotten, or the key was hit by mistake. */
const PAUSE_MS = 3_600_000;

export const KEYS_HELP = 'q quit · p pause 1 h · r resume · t retry';

const ORDERS: ReadonlyMap<string, Order> = new Map<string, Order>([
  ['p', { order: 'pause', forMs: PAUSE_MS }],
  ['r', { order: 'resume' }],
  ['t', { order: 'retry', paths: [] }],
]);
const QUITS = ['q', CTRL_C, CTRL_D];

/** What became of a key stays on the screen for this long. */
const TOLD_MS = 15_000;

export interface TopKeysPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly give: (order: Order) => Promise<Obeyed>;
  readonly onQuit: () => void;
}

/** Other keys do nothing. press() never throws, and an order that fails is told. */
export class TopKeys {
  readonly #ports: TopKeysPorts;
  #told = '';
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(ports: TopKeysPorts) {
    this.#ports = ports;
  }

  /** The last lines of the screen: what became of the last key, and what the keys do. */
  get footer(): readonly string[] {
    const isFresh = this.#ports.clock.monotonicMs() - this.#toldAtMs < TOLD_MS;
    return isFresh ? [this.#told, KEYS_HELP] : [KEYS_HELP];
  }

  press(key: string): void {
    const order = ORDERS.get(key.toLowerCase());
    if (order !== undefined) void this.#give(order);
    else if (QUITS.includes(key.toLowerCase())) this.#ports.onQuit();
  }

  async #give(order: Order): Promise<void> {
    try {
      const { text, warning } = await this.#ports.give(order);
      this.#tell(warning === null ? text : `${text}; ${warning}`);
    } catch (error) {
      this.#tell(`not possible now: ${explain(error)}`);
    }
  }

  #tell(text: string): void {
    this.#told = text;
    this.#toldAtMs = this.#ports.clock.monotonicMs();
  }
}
