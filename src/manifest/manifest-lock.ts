// One process writes a manifest: the one that holds the lock made from the file's place.
import { errnoOf } from '../system/fault.ts';
import { type FilePlace, type HeldName, holdName } from '../system/held-name.ts';
import { takenFault } from './manifest-fault.ts';

export type ManifestPlace = FilePlace;
export type ManifestLock = HeldName;

/** Takes the lock. Rejects with a Fault if another process has it. */
export async function lockManifest(place: ManifestPlace, path: string): Promise<ManifestLock> {
  try {
    return await holdName('manifest', place);
  } catch (error) {
    throw errnoOf(error) === 'EADDRINUSE' ? takenFault(path, error) : error;
  }
}
