// Decides which clock is wrong, from what is known about both. Pure functions.

export interface ClockFacts {
  /** This machine's time, milliseconds since the epoch. */
  readonly wallMs: number;
  /** When this program was installed or built. The true time is later. */
  readonly builtAtMs: number;
  /** The server's time, if it is known. */
  readonly serverMs: number | undefined;
  /** True if a time service has set this machine's clock. */
  readonly isSynchronized: boolean;
}

/** Stores and certificates tolerate more than this. */
const AGREEING_MS = 4 * 60_000;
const SET_IT = 'set it (timedatectl set-ntp true)';

/**
 * The hint for a clock that is certainly wrong, else undefined. A machine without a clock battery
 * starts in the past.
 */
export function clockBehind({
  wallMs,
  builtAtMs,
}: Pick<ClockFacts, 'wallMs' | 'builtAtMs'>): string | undefined {
  if (wallMs >= builtAtMs) return undefined;
  return `This machine's clock is wrong: it says ${day(wallMs)}, and halfpipe is from ${day(builtAtMs)}: ${SET_IT}.`;
}

/** The hint after the store refused the time of a signature. */
export function skewHint(facts: ClockFacts): string {
  const { wallMs, serverMs, isSynchronized } = facts;
  const behind = clockBehind(facts);
  if (behind !== undefined) return behind;
  if (serverMs === undefined)
    return `This machine's clock and the store's differ: compare them (timedatectl).`;
  const both = `this machine's clock says ${minute(wallMs)}, the store's ${minute(serverMs)}`;
  return isSynchronized
    ? `The store's clock is wrong: ${both}, and this machine's is synchronized. Tell the store's operator.`
    : `One clock is wrong: ${both}. If it is this machine's, ${SET_IT}; else tell the store's operator.`;
}

/** True if the store refused an old signature although both clocks agree. */
export function isOldSignature({ wallMs, serverMs }: ClockFacts): boolean {
  return serverMs !== undefined && Math.abs(wallMs - serverMs) < AGREEING_MS;
}

/**
 * The hint for a certificate that is not valid yet, or no longer. `limit` is the date, with its
 * preposition.
 */
export function validityHint(code: string, facts: ClockFacts, limit: string | undefined): string {
  const { wallMs, serverMs, isSynchronized } = facts;
  const behind = clockBehind(facts);
  if (behind !== undefined) return behind;
  const isEarly = code === 'CERT_NOT_YET_VALID';
  const when = limit === undefined ? '' : ` (${limit})`;
  const certificate = isEarly
    ? `the certificate of the endpoint is not valid yet${when}`
    : `the certificate of the endpoint has expired${when}`;
  const agrees = serverMs !== undefined && Math.abs(wallMs - serverMs) < AGREEING_MS;
  if (agrees || isSynchronized) {
    const why = agrees ? "agrees with the server's" : 'is synchronized';
    return `This machine's clock (${minute(wallMs)}) ${why}, and ${certificate}: renew it at the server.`;
  }
  if (serverMs !== undefined)
    return `One clock is wrong: this machine's says ${minute(wallMs)}, the server's ${minute(serverMs)}. If it is this machine's, ${SET_IT}.`;
  return isEarly
    ? `This machine's clock is behind (${minute(wallMs)}), or ${certificate}: ${SET_IT}, or renew the certificate at the server.`
    : `The server must renew its certificate, or this machine's clock runs ahead (${minute(wallMs)}): ${SET_IT}.`;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function minute(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
