// Checks at run time what the code should make impossible, because going on could cost a file.

/**
 * A rule of halfpipe itself was broken. The process ends with this reason, and systemd restarts it
 * from what is on the disk.
 */
export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

/** Ends the process. `what` names the rule and what broke it. */
export function brokenInvariant(what: string): never {
  const error = new BrokenInvariant(`${what}: this is a bug in halfpipe: please report it`);
  // Also thrown separately, because a caller that takes every error for a failure of the file would
  // go on.
  queueMicrotask(() => {
    throw error;
  });
  throw error;
}
