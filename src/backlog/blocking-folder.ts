// A folder whose calls block, for a thread that does nothing else.
import { closeSync, constants, type Dir, fstatSync, lstatSync, opendirSync, openSync } from 'node:fs';
import { codeOf, type Look, lookOf, type NameList, type WalkedFolder } from './walk.ts';

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const BATCH = 256;
/** In bytes; see limits.h. NTFS has names of up to 765. */
const NAME_MAX = 255;
/** One character for each byte. A Buffer of each name would have memory of its own. */
const OPTIONS = { encoding: 'latin1', bufferSize: BATCH } as const;

/** Where names lie. They are used again, because a thousand folders would take 65 MB. */
const rooms: Buffer[] = [];

/** A call costs a fifth of one through the thread pool. */
export class BlockingFolder implements WalkedFolder {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly #fd: number;
  readonly #prefix: Buffer;
  /** The prefix and room for a name, so that a look at a file takes no memory of its own. */
  readonly #path: Buffer;
  readonly #onAnswer: () => void;
  readonly #isOwn: boolean;

  private constructor(
    { fd, dev, ino }: { fd: number; dev: bigint; ino: bigint },
    onAnswer: () => void,
    isOwn: boolean,
  ) {
    this.#fd = fd;
    this.#prefix = Buffer.from(`/proc/self/fd/${fd}/`);
    this.#path = Buffer.concat([this.#prefix, Buffer.alloc(NAME_MAX)]);
    this.#onAnswer = onAnswer;
    this.#isOwn = isOwn;
    this.dev = dev;
    this.ino = ino;
  }

  /**
   * A folder that is open. close() leaves it so. `onAnswer` is called after each call for one name;
   * an error that it throws ends the calls.
   */
  static at(open: { fd: number; dev: bigint; ino: bigint }, onAnswer: () => void): BlockingFolder {
    return new BlockingFolder(open, onAnswer, false);
  }

  async names(): Promise<NameList> {
    const dir = opendirSync(`${this.#prefix}.`, OPTIONS);
    const room = rooms.pop() ?? Buffer.alloc(BATCH * NAME_MAX);
    const close = async () => {
      // Throws the second time, so that no room is lent twice.
      dir.closeSync();
      rooms.push(room);
    };
    return { next: async () => nextNames(dir, room), close };
  }

  async lookUp(names: readonly Buffer[]): Promise<readonly Look[]> {
    return names.map((name) => this.#lookUp(name));
  }

  async enter(name: Buffer): Promise<WalkedFolder> {
    const fd = openSync(Buffer.concat([this.#prefix, name]), FLAGS);
    try {
      const { dev, ino } = fstatSync(fd, { bigint: true });
      this.#onAnswer();
      return new BlockingFolder({ fd, dev, ino }, this.#onAnswer, true);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#isOwn) closeSync(this.#fd);
  }

  #lookUp(name: Buffer): Look {
    const look = lookAt(this.#pathOf(name));
    this.#onAnswer();
    return look;
  }

  /** Valid until the next call. */
  #pathOf(name: Buffer): Buffer {
    if (name.length > NAME_MAX) return Buffer.concat([this.#prefix, name]);
    name.copy(this.#path, this.#prefix.length);
    return this.#path.subarray(0, this.#prefix.length + name.length);
  }
}

function lookAt(path: Buffer): Look {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? 'gone';
  } catch (error) {
    return lookOf(codeOf(error));
  }
}

/** They lie in `room`, where there is enough for as many as are told of at once. */
function nextNames(dir: Dir, room: Buffer): Buffer[] {
  const names: Buffer[] = [];
  for (let start = 0; names.length < BATCH; ) {
    const dirent = dir.readSync();
    if (dirent === null) break;
    const { name } = dirent;
    if (name.length > NAME_MAX) names.push(Buffer.from(name, 'latin1'));
    else names.push(room.subarray(start, start + room.write(name, start, 'latin1')));
    start += Math.min(name.length, NAME_MAX);
  }
  return names;
}
