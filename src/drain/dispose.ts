// Deletes a file that is proven to be stored. It is set aside first, so that what is removed is
// what was proven even if its producer replaces it meanwhile.
import type { HoldOn } from '../spool/salvage.ts';
import type { Proof } from './verify.ts';

/** A file moved out of the producers' reach, known to be still the one that was opened. */
export interface SetAside {
  remove(proof: Proof, holdOn: HoldOn): Promise<void>;
}

/**
 * Resolves when the file is gone from the spool. Rejects with a Fault of class `changed` when it is
 * not the file that was uploaded any more: it is then back in its place, or on its way there.
 */
export async function dispose(
  setAside: () => Promise<SetAside>,
  proof: Proof,
  holdOn: HoldOn,
): Promise<void> {
  const aside = await setAside();
  await aside.remove(proof, holdOn);
}
