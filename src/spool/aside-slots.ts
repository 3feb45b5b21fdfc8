// The places in `.halfpipe/aside` where files wait, named so that a restart knows where each
// belongs, and flat: a folder for each would take space that a full disk does not have. No place is
// ever used twice at once, so moving a file in never overwrites one.
import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, Fault } from '../system/fault.ts';
import { brokenInvariant } from '../system/invariant.ts';
import { SpoolPath } from './entry.ts';
import type { OpenDirectory } from './open-directory.ts';

const FOLDER = 'aside';
/** Made at the start and kept: the place of nearly every file that is set aside. */
export const FIRST_LAYER = `${FOLDER}/0`;
// Versions of one path that can wait at once because their name was taken again and again.
const LAYERS = 10;
// A name may have 255 bytes; a longer one goes on in a folder below.
const NAME_BYTES = 250;

export interface Leftover {
  readonly slot: Buffer;
  readonly path: SpoolPath;
}

export class AsideSlots {
  readonly #home: OpenDirectory;
  readonly #claimed = new Set<string>();

  constructor(home: OpenDirectory) {
    this.#home = home;
  }

  /** A free place for `path`, reserved until free(). */
  async claim(path: SpoolPath): Promise<Buffer> {
    for (let layer = 0; layer < LAYERS; layer++) {
      const slot = Buffer.from(`${FOLDER}/${layer}/${flatten(path)}`, 'latin1');
      const id = slot.toString('latin1');
      if (this.#claimed.has(id)) continue;
      this.#claimed.add(id);
      if (await this.#isVacant(slot)) return slot;
      this.free(slot);
    }
    throw new Fault('blocked', `${path} has ${LAYERS} earlier versions waiting in .halfpipe/${FOLDER}`, {
      operation: 'set aside',
      subject: path.toString(),
      hint: 'move the file in the spool away so that they can return to their place',
    });
  }

  /** A slot is also taken if a file sits where its path needs a folder. */
  async #isVacant(slot: Buffer): Promise<boolean> {
    try {
      return (await this.#home.lookUp(slot)) === undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOTDIR') return false;
      this.free(slot);
      throw error;
    }
  }

  /** Once for each claim: the place may belong to another file at once. */
  free(slot: Buffer): void {
    const isClaimed = this.#claimed.delete(slot.toString('latin1'));
    if (!isClaimed) brokenInvariant(`a place is freed once, and ${new SpoolPath(slot)} is free`);
  }

  async makeFolders(slot: Buffer): Promise<void> {
    for (let end = slot.indexOf('/'); end !== -1; end = slot.indexOf('/', end + 1)) {
      const folder = slot.toString('latin1', 0, end);
      const made = await this.#home.makeDirectory(slot.subarray(0, end), 0o700);
      if (made) await this.#home.syncDirectory(Buffer.from(dirname(folder), 'latin1'));
    }
  }

  /** Everything that waits and is not in use. Folders found empty are removed on the way. */
  async *leftovers(): AsyncGenerator<Leftover> {
    for (let layer = 0; layer < LAYERS; layer++) {
      const folder = Buffer.from(`${FOLDER}/${layer}`);
      if ((await this.#home.lookUp(folder)) === undefined) continue;
      yield* this.#walk(folder, folder.length + 1);
      if (layer > 0) await this.#home.removeIfEmpty(folder);
    }
  }

  async *#walk(folder: Buffer, pathStart: number): AsyncGenerator<Leftover> {
    for (const dirent of await readdir(this.#home.at(folder), { withFileTypes: true, encoding: 'buffer' })) {
      const slot = Buffer.concat([folder, Buffer.from('/'), dirent.name]);
      if (dirent.isDirectory()) {
        yield* this.#walk(slot, pathStart);
        await this.#home.removeIfEmpty(slot);
      } else if (!this.#claimed.has(slot.toString('latin1'))) {
        yield { slot, path: unflatten(slot.toString('latin1', pathStart)) };
      }
    }
  }
}

/** A path as one name, or as several where it is too long for one; never `.` or `..`. */
function flatten({ id }: SpoolPath): string {
  const name = id.replace(/[%./]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  return (name.match(new RegExp(`.{1,${NAME_BYTES}}`, 'gs')) ?? []).join('/');
}

function unflatten(names: string): SpoolPath {
  const escaped = names.replaceAll('/', '');
  const id = escaped.replace(/%(..)/gs, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return new SpoolPath(Buffer.from(id, 'latin1'));
}
