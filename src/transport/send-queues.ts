// What the kernel still holds of what was written to our connections: bytes the other side has not
// acknowledged. Linux tells it in its table of TCP connections, to anybody and without a system
// call of its own; elsewhere it is unknown.
import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';

export interface SendQueue {
  /** Not acknowledged: on its way, or not yet sent. */
  readonly bytes: number;
  /** The other side does not take any more now: its window is closed. */
  readonly isClosed: boolean;
}

/** By what `connectionOf` names. */
export type SendQueues = ReadonlyMap<string, SendQueue>;

/**
 * The network namespace's own; /proc/net is a link to it, and hidden by systemd's ProcSubset=pid.
 */
const TABLES = { IPv4: '/proc/self/net/tcp', IPv6: '/proc/self/net/tcp6' } as const;
/** The kernel hands it out a page at a time. */
const CHUNK_BYTES = 16_384;
/** The value of `tr` for the timer that probes a closed window; see proc_net_tcp.txt. */
const PROBES_WINDOW = '04';

// sl local_address rem_address st tx_queue:rx_queue tr:…
const ROW = /: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):[0-9A-F]{8} (\d\d):/;

/** Undefined for a socket that is not connected. */
export function connectionOf({ localPort, remotePort }: Socket): string | undefined {
  return localPort === undefined || remotePort === undefined ? undefined : `${localPort} ${remotePort}`;
}

/** Adds the rows of the table that are about `wanted` connections. */
export function readRows(
  rows: readonly string[],
  wanted: ReadonlySet<string>,
  queues: Map<string, SendQueue>,
) {
  for (const row of rows) {
    const [, local = '', remote = '', bytes = '', timer] = ROW.exec(row) ?? [];
    const connection = `${Number.parseInt(local, 16)} ${Number.parseInt(remote, 16)}`;
    if (wanted.has(connection))
      queues.set(connection, { bytes: Number.parseInt(bytes, 16), isClosed: timer === PROBES_WINDOW });
  }
}

/** Reads the queues of these sockets. Rejects where the kernel does not tell. */
export async function readSendQueues(sockets: readonly Socket[]): Promise<SendQueues> {
  const queues = new Map<string, SendQueue>();
  for (const family of ['IPv4', 'IPv6'] as const) {
    const ofFamily = sockets.filter(({ localFamily }) => localFamily === family);
    const wanted = new Set(ofFamily.map(connectionOf).filter((name) => name !== undefined));
    if (wanted.size > 0) await readTable(TABLES[family], wanted, queues);
  }
  return queues;
}

/**
 * A page at a time: on a host with many connections the table is megabytes, and slices are waiting.
 */
async function readTable(
  path: string,
  wanted: ReadonlySet<string>,
  queues: Map<string, SendQueue>,
): Promise<void> {
  const table: FileHandle = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let rest = '';
    for (;;) {
      const { bytesRead } = await table.read(buffer, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return;
      const rows = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      rest = rows.pop() ?? '';
      readRows(rows, wanted, queues);
    }
  } finally {
    await table.close();
  }
}
