// Files of a simulated world that cannot be uploaded for as long as it lasts: names the store refuses, a prefix the
// credentials may not write, bad sectors. They are the oldest, so that everything else is behind them.
import type { SimDisk } from './sim-spool-disk.ts';
import { fail, type StoreAnswer } from './sim-store-server.ts';
import { isPacketKey } from './sim-world-packets.ts';
import { SPOOL } from './sim-world-producers.ts';
import type { SimRandom } from './sim-world-random.ts';

export type BadKind = 'refused names' | 'denied prefix' | 'bad sectors';

const FOLDER = 'bad';
const ODD = `${FOLDER}/odd`;
/** More than the backlog of a simulated daemon holds and defers. */
const FILES_MAX = 12;

export class BadFiles {
  readonly kind: BadKind;
  readonly paths: readonly string[];
  #isOver = false;

  constructor(random: SimRandom) {
    this.kind = random.pick(['refused names', 'denied prefix', 'bad sectors']);
    this.paths = Array.from({ length: 1 + random.int(FILES_MAX) }, (_, at) => `${FOLDER}/odd-${at}`);
  }

  /** From now on they can be uploaded like others. */
  end(): void {
    this.#isOver = true;
  }

  isBad(path: string): boolean {
    return path.startsWith(`${FOLDER}/`);
  }

  /** What the store answers to a write of this key, where it refuses it. */
  refusal(key: string, body: Buffer): StoreAnswer | undefined {
    if (this.#isOver) return undefined;
    if (this.kind === 'refused names' && isOdd(key, body)) return fail(400, 'XOddName');
    if (this.kind === 'denied prefix' && this.isBad(key)) return fail(403, 'AccessDenied');
    return undefined;
  }

  cannotRead(operation: string, subject: string): boolean {
    const isTheirs = subject.startsWith(`${SPOOL}/${FOLDER}/`);
    return !this.#isOver && this.kind === 'bad sectors' && operation === 'read' && isTheirs;
  }
}

/** A packet is refused for what it has inside. */
function isOdd(key: string, body: Buffer): boolean {
  return key.startsWith(ODD) || (isPacketKey(key) && body.includes(ODD));
}

/** Those that are left in the spool. */
export function goodFiles(disk: SimDisk, bad: BadFiles | undefined): string[] {
  const paths = [...disk.files(SPOOL)].map(([path]) => path).filter((path) => !path.startsWith('.'));
  return paths.filter((path) => bad?.isBad(path) !== true);
}
