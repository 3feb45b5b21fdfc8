// Deletes a file, and is the only place that can: it asks for a Proof, and sets the file aside first, so that what is
// removed is what was proven even if somebody swaps the name meanwhile.
import type { HoldOn } from '../spool/salvage.ts';
import type { Proof } from './verify.ts';

/** A file moved out of the producers' reach, known to be still the one that was opened. */
export interface SetAside {
  remove(holdOn: HoldOn): Promise<void>;
}

/**
 * Resolves when the file is gone from the spool. Rejects with a Fault of class `changed` when it is not the file that
 * was uploaded any more: it is then back in its place, or on its way there.
 */
export async function dispose(
  setAside: () => Promise<SetAside>,
  _proof: Proof,
  holdOn: HoldOn,
): Promise<void> {
  const aside = await setAside();
  await aside.remove(holdOn);
}
