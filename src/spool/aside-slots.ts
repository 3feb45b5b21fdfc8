// Names the places in `.halfpipe/aside` where files wait between their upload and their removal.
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault } from '../system/fault.ts';
import { brokenInvariant } from '../system/invariant.ts';
import { SpoolPath } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';

const FOLDER = 'aside';
/** Made at startup and kept. Nearly every file that is set aside is placed here. */
export const FIRST_LAYER = `${FOLDER}/0`;
// How many versions of one path can wait at once. A version waits when another file took its name.
const LAYERS = 10;
// Linux allows 255 bytes for a name. A longer name continues in a subfolder.
const NAME_BYTES = 250;

export interface Leftover {
  readonly slot: Buffer;
  readonly path: SpoolPath;
}

/**
 * Hands out the places (slots) in `.halfpipe/aside`.
 * A slot's name encodes the path of its file, so that a restart knows where each file belongs.
 * Slots lie flat in one folder, because a folder for each would need space that a full disk does
 * not have. No slot is in use twice at once, so moving a file into its slot never overwrites
 * another file.
 */
export class AsideSlots {
  readonly #privateFolder: OpenDirectory;
  readonly #claimed = new Set<string>();

  constructor(privateFolder: OpenDirectory) {
    this.#privateFolder = privateFolder;
  }

  /**
   * Blocks. Returns a free slot for `path`, reserved until free(). Throws Fault `blocked` when all
   * layers are taken, and the system error.
   */
  claim(path: SpoolPath): Buffer {
    const names = flatten(path);
    for (let layer = 0; layer < LAYERS; layer += 1) {
      const id = `${FOLDER}/${layer}/${names}`;
      const slot = Buffer.from(id, 'latin1');
      if (this.#claimed.has(id) || !this.#isVacant(slot)) continue;
      this.#claimed.add(id);
      return slot;
    }
    throw new Fault('blocked', `${path} has ${LAYERS} earlier versions waiting in .halfpipe/${FOLDER}`, {
      operation: 'set aside',
      subject: path.toString(),
      hint: 'move the file of that name out of the spool, so that the earlier versions can return',
    });
  }

  /** A slot is also taken if a file sits where the slot needs a folder. */
  #isVacant(slot: Buffer): boolean {
    try {
      return this.#privateFolder.lookUpNow(slot) === undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') return false;
      throw error;
    }
  }

  /** Call once for each claim(): another file may get the slot immediately afterwards. */
  free(slot: Buffer): void {
    const isClaimed = this.#claimed.delete(slot.toString('latin1'));
    if (!isClaimed) brokenInvariant(`a place is freed once, and ${new SpoolPath(slot)} is free`);
  }

  /** Makes the folders above `slot`, durably. Rejects with the system error. */
  async makeFolders(slot: Buffer): Promise<void> {
    for (let end = slot.indexOf('/'); end !== -1; end = slot.indexOf('/', end + 1)) {
      const folder = slot.toString('latin1', 0, end);
      const made = await this.#privateFolder.makeDirectory(slot.subarray(0, end), 0o700);
      if (made) await this.#privateFolder.syncDirectory(Buffer.from(dirname(folder), 'latin1'));
    }
  }

  /** Yields every file that waits and is not in use. Removes the empty folders it meets. */
  async *leftovers(): AsyncGenerator<Leftover> {
    for (let layer = 0; layer < LAYERS; layer += 1) {
      const folder = Buffer.from(`${FOLDER}/${layer}`);
      if ((await this.#privateFolder.lookUp(folder)) === undefined) continue;
      yield* this.#walk(folder, folder.length + 1);
      if (layer > 0) await this.#privateFolder.removeIfEmpty(folder);
    }
  }

  async *#walk(folder: Buffer, pathStart: number): AsyncGenerator<Leftover> {
    for (const dirent of await readdir(this.#privateFolder.at(folder), {
      withFileTypes: true,
      encoding: 'buffer',
    })) {
      const slot = Buffer.concat([folder, Buffer.from('/'), dirent.name]);
      if (dirent.isDirectory()) {
        yield* this.#walk(slot, pathStart);
        await this.#privateFolder.removeIfEmpty(slot);
      } else if (!this.#claimed.has(slot.toString('latin1'))) {
        yield { slot, path: unflatten(slot.toString('latin1', pathStart)) };
      }
    }
  }
}

/**
 * Turns a path into one name, or into several if it is too long for one. No name is `.` or `..`.
 */
function flatten({ id }: SpoolPath): string {
  const name = id.replaceAll('%', '%25').replaceAll('.', '%2e').replaceAll('/', '%2f');
  if (name.length <= NAME_BYTES) return name;
  return (name.match(new RegExp(`.{1,${NAME_BYTES}}`, 'gs')) ?? []).join('/');
}

function unflatten(names: string): SpoolPath {
  const escaped = names.replaceAll('/', '');
  const id = escaped.replace(/%(..)/gs, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new SpoolPath(Buffer.from(id, 'latin1'));
}
