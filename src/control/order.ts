// What an operator can order on the running daemon.

/** Times in ms; `forMs` null: until another order. */
export type Order =
  | { readonly order: 'pause'; readonly forMs: number | null }
  | { readonly order: 'resume' }
  /** 0 < share ≤ 1; null: as the timetable and link.share say. */
  | { readonly order: 'share'; readonly share: number | null; readonly forMs: number | null }
  /** Paths of files or folders below the spool; none: everything that waits. */
  | { readonly order: 'retry'; readonly paths: readonly string[] }
  | { readonly order: 'rescan' };

/** What became of an order, in one line each. */
export interface Obeyed {
  readonly text: string;
  /** What the operator should know in addition; null if there is nothing. */
  readonly warning: string | null;
}

/** Throws RangeError if `value` is not an order. */
export function readOrder(value: unknown): Order {
  const { order, forMs = null, share = null, paths = [] } = (value ?? {}) as Record<string, unknown>;
  switch (order) {
    case 'resume':
    case 'rescan':
      return { order };
    case 'pause':
      return { order, forMs: duration(forMs) };
    case 'share':
      if (share !== null && !(typeof share === 'number' && share > 0 && share <= 1))
        throw new RangeError('share must be above 0 and at most 1, or null');
      return { order, share, forMs: duration(forMs) };
    case 'retry':
      if (!Array.isArray(paths) || !paths.every((path) => typeof path === 'string'))
        throw new RangeError('paths must be a list of texts');
      return { order, paths };
    default:
      throw new RangeError('order must be pause, resume, share, retry or rescan');
  }
}

function duration(value: unknown): number | null {
  if (value === null || (typeof value === 'number' && value > 0 && Number.isFinite(value))) return value;
  throw new RangeError('forMs must be above 0, or null');
}
