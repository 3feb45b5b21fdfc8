// Puts the files of a packet below a folder. No name in a packet leads out of the folder, and no
// file that is there is changed.
import { mkdir, realpath } from 'node:fs/promises';
import { SpoolPath } from '../spool/entry.ts';
import { inParent, OpenDirectory } from '../spool/open-directory.ts';
import { writeWhole } from '../spool/whole-file.ts';
import { contentsOf } from '../store/zip/zip-content.ts';
import type { ZipMember } from '../store/zip/zip-index.ts';
import { isZipName } from '../store/zip/zip-name.ts';
import { DAMAGED, type ZipSource } from '../store/zip/zip-source.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';

export interface Unpacked {
  readonly files: number;
  readonly bytes: number;
  /** Members that were left out; each was told. */
  readonly problems: number;
}

/**
 * Makes the folder if it is missing. Rejects with a Fault if the packet cannot be read any further,
 * or nothing can be written.
 */
export async function unpack(
  packet: ZipSource,
  members: readonly ZipMember[],
  folder: string,
  tell: (problem: string) => void,
): Promise<Unpacked> {
  const root = await openFolder(folder);
  let [files, bytes, problems] = [0, 0, 0];
  try {
    // A folder needs no content.
    const wanted = members.filter(({ name }) => !name.endsWith('/'));
    for await (const { member, content } of contentsOf(packet, wanted)) {
      const problem = await unpackOne(root, packet, member, content);
      if (problem === undefined) {
        files += 1;
        bytes += member.sizeBytes;
      } else {
        problems += 1;
        tell(problem);
      }
    }
  } finally {
    await root.close();
  }
  return { files, bytes, problems };
}

async function openFolder(folder: string): Promise<OpenDirectory> {
  try {
    await mkdir(folder, { recursive: true });
    return await OpenDirectory.open(await realpath(folder));
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

/** Resolves with why the member was left out, if it was. */
async function unpackOne(
  root: OpenDirectory,
  packet: ZipSource,
  { name, modifiedAtMs }: ZipMember,
  content: AsyncIterable<Uint8Array>,
): Promise<string | undefined> {
  const leftOut = (why: string) => `${packet.name}: ${printable(name)} was left out: ${why}`;
  if (!isZipName(name)) return leftOut('its name is no path below a folder');
  try {
    const write = (parent: OpenDirectory, last: Buffer) => writeWhole(parent, last, content, modifiedAtMs);
    const outcome = await inParent(root, SpoolPath.from(name), write, 'create');
    return outcome === 'taken' ? leftOut('it exists already') : undefined;
  } catch (error) {
    if (error instanceof Fault && error.code === DAMAGED) return error.message;
    const code = errnoOf(error);
    if (code === 'ENOTDIR' || code === 'ELOOP')
      return leftOut('a part of its path exists already, and is no folder');
    if (code === 'ENAMETOOLONG') return leftOut('its name is too long for the file system');
    throw error instanceof Fault ? error : cannotWrite(name, error);
  }
}

function cannotWrite(subject: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const details = { operation: 'write file', subject, code, cause: error, isLocal: true };
  return new Fault('blocked', `cannot write ${printable(subject)}: ${code}`, details);
}
