// Carries out the orders of operators.
import type { Backlog } from '../backlog/backlog.ts';
import type { Drain } from '../drain/drain.ts';
import type { Packets } from '../packets/packets.ts';
import type { SpoolPath } from '../spool/entry.ts';
import type { Steering } from '../steer/steering.ts';
import type { Clock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { readableFiles } from '../view/readable.ts';
import { pauseText, shareText } from '../view/steering-text.ts';
import type { ControlEvent } from './control-event.ts';
import type { Obeyed, Order } from './order.ts';

export interface ObediencePorts {
  readonly clock: Clock;
  readonly steering: Steering;
  readonly backlog: Pick<Backlog, 'rescan' | 'retry' | 'retryDeferred' | 'view'>;
  readonly packets: Pick<Packets, 'tryAgain'>;
  readonly drain: Pick<Drain, 'tryAgain' | 'waiting'>;
  readonly onEvent: (event: ControlEvent) => void;
}

/** Each order is in force when obey() resolves. It never rejects. */
export class Obedience {
  readonly #ports: ObediencePorts;

  constructor(ports: ObediencePorts) {
    this.#ports = ports;
  }

  async obey(order: Order): Promise<Obeyed> {
    const { steering, backlog, clock } = this.#ports;
    switch (order.order) {
      case 'pause':
        return this.#steer(steering.pause(order.forMs ?? undefined), () =>
          pauseText(steering.now, clock.wallMs()),
        );
      case 'resume':
        return this.#steer(steering.resume(), () => 'draining goes on');
      case 'share': {
        const { share, forMs } = order;
        const done = share === null ? steering.clearShare() : steering.setShare(share, forMs ?? undefined);
        return this.#steer(done, () => `the share is ${shareText(steering.now, clock.wallMs())}`);
      }
      case 'retry':
        return this.#retry(order.paths);
      case 'rescan':
        backlog.rescan();
        return { text: 'the spool is being scanned', warning: null };
    }
  }

  async #steer(kept: Promise<void>, text: () => string | undefined): Promise<Obeyed> {
    let problem: string | undefined;
    try {
      await kept;
    } catch (error) {
      problem = explain(error);
    }
    this.#ports.onEvent({ kind: 'orderKept', problem });
    const warning = problem === undefined ? null : `this holds until the next restart only: ${problem}`;
    return { text: text() ?? '', warning };
  }

  #retry(paths: readonly string[]): Obeyed {
    const { backlog, packets, drain, steering } = this.#ports;
    const isPaused = steering.now.paused !== null;
    const { deferred, written } = backlog.view();
    if (paths.length === 0) {
      const packed = packets.tryAgain();
      drain.tryAgain();
      backlog.retryDeferred();
      return { text: triedText(deferred + written + packed, isPaused), warning: null };
    }
    const found = new Set<string>();
    const wanted = paths.map((path) => path.replace(/\/+$/, ''));
    const isWanted = (path: SpoolPath) => {
      const matches = wanted.filter((want) => isAtOrBelow(`${path}`, want));
      for (const match of matches) found.add(match);
      return matches.length > 0;
    };
    const files = packets.tryAgain(isWanted) + backlog.retry(isWanted);
    const held = drain.waiting.filter(({ isFolder }) => isFolder).map(({ example }) => example);
    drain.tryAgain();
    const isHeld = (path: string) =>
      held.some((folder) => isAtOrBelow(folder, path) || isAtOrBelow(`${path}/`, folder));
    const missing = wanted.filter((path) => !found.has(path) && !isHeld(path));
    const warning = missing.length === 0 ? null : `nothing is deferred at or below ${missing.join(', ')}`;
    return { text: triedText(files, isPaused), warning };
  }
}

function triedText(files: number, isPaused: boolean): string {
  if (files === 0) return 'no file is deferred';
  const when = isPaused ? 'once halfpipe is resumed' : 'now';
  return `${readableFiles(files)} ${files === 1 ? 'is' : 'are'} tried again ${when}`;
}

function isAtOrBelow(path: string, folder: string): boolean {
  const below = folder.replace(/\/+$/, '');
  return below === '' || path === below || path.startsWith(`${below}/`);
}
