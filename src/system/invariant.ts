// What the code around it excludes, asked for all the same, always: going on could cost a file. The
// process ends with the reason, and systemd starts it anew, from what is on the disk.

export class BrokenInvariant extends Error {
  override readonly name = 'BrokenInvariant';
}

/** Ends the process: `what` names the rule and what broke it. */
export function brokenInvariant(what: string): never {
  const error = new BrokenInvariant(`${what}: this is a mistake in halfpipe, please report it`);
  // Also on its own, because a caller that takes every error for a failure of the file would go on.
  queueMicrotask(() => {
    throw error;
  });
  throw error;
}
