// Deletes a file that is proven to be stored. It sets the file aside first, so that the removed
// file is the proven one, even if its producer replaces it meanwhile.
import type { WaitForRoom } from '../spool/salvage.ts';
import type { StoredMember } from './stored-member.ts';
import type { Proof } from './verify.ts';

/** A file that producers cannot reach any more and that is known to be the one that was opened. */
export interface SetAside {
  remove(proof: Proof, waitForRoom: WaitForRoom): Promise<void>;
  /** After remove(): files of a packet that could not be removed, and are to be one by one. */
  readonly stuck?: readonly StoredMember[];
}

/**
 * Resolves when the file has left the spool, with what is `stuck`. Rejects with Fault `changed`
 * when it is not the uploaded file any more; it is then back in its place, or on its way there.
 */
export async function dispose(
  setAside: () => Promise<SetAside>,
  proof: Proof,
  waitForRoom: WaitForRoom,
): Promise<readonly StoredMember[]> {
  const aside = await setAside();
  await aside.remove(proof, waitForRoom);
  return aside.stuck ?? [];
}
