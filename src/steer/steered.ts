// What holds now, and what has set it.

/** All times are in ms since 1970. */
export interface Steered {
  /** Set while an operator has paused halfpipe; `untilMs` is null if only resume ends it. */
  readonly paused: { readonly untilMs: number | null } | null;
  /** 0 < share ≤ 1. */
  readonly share: number;
  /** What has set the share. */
  readonly shareFrom: 'command' | 'timetable' | 'config';
  /** When another share begins; null if that is not known. */
  readonly shareUntilMs: number | null;
}
