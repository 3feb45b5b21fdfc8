// A change in two steps, so that several changes are made together or not at all.

/** What was tried out and can be put in force. Exactly one of the functions must be called. */
export interface Prepared {
  commit(): Promise<void>;
  /** What was in force before stays so. */
  discard(): Promise<void>;
}
