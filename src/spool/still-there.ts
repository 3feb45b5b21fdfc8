// Finds out whether a file of which something was written down is still in the spool.
import { Fault } from '../system/fault.ts';
import { type FileIdentity, type SpoolPath, sameContentIdentity } from './entry.ts';

export interface OpenedFile {
  readonly identity: FileIdentity;
  close(): Promise<void>;
}

/**
 * If in doubt, for example without permission, the file counts as there, because what was written
 * down may still be needed. A different ctime does not matter.
 */
export async function isStillThere(
  spool: { openFile(path: SpoolPath): Promise<OpenedFile> },
  { path, identity }: { readonly path: SpoolPath; readonly identity: FileIdentity },
): Promise<boolean> {
  try {
    const file = await spool.openFile(path);
    await file.close();
    return sameContentIdentity(file.identity, identity);
  } catch (error) {
    return !(error instanceof Fault && error.faultClass === 'changed');
  }
}
