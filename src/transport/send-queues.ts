// Reads what the kernel still holds of the bytes written to our connections, that is, what the
// other side has not acknowledged. Linux shows it in its table of TCP connections, without any
// privilege. Elsewhere it is unknown.
import { type FileHandle, open } from 'node:fs/promises';
import type { Socket } from 'node:net';

export interface SendQueue {
  /** Bytes not acknowledged: on their way, or not yet sent. */
  readonly bytes: number;
  /** The other side currently accepts nothing more: its window is closed. */
  readonly isClosed: boolean;
}

/** Keyed by connectionOf(). */
export type SendQueues = ReadonlyMap<string, SendQueue>;

/**
 * The table of this network namespace. /proc/net is a link to it, and systemd's ProcSubset=pid
 * hides that link.
 */
const TABLES = { IPv4: '/proc/self/net/tcp', IPv6: '/proc/self/net/tcp6' } as const;
/** The kernel returns the table one page at a time. */
const CHUNK_BYTES = 16_384;
/** The value of `tr` while a closed window is probed; see proc_net_tcp.txt. */
const PROBES_WINDOW = '04';

// sl local_address rem_address st tx_queue:rx_queue tr:…
const ROW = /: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):[0-9A-F]{8} (\d\d):/;

/** A name for the socket's connection; undefined if it is not connected. */
export function connectionOf({ localPort, remotePort }: Socket): string | undefined {
  return localPort === undefined || remotePort === undefined ? undefined : `${localPort} ${remotePort}`;
}

/** Adds those rows of the table that belong to `wanted` connections. */
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

/**
 * Resolves with the queues of these sockets. Rejects with the system error where the kernel does
 * not show them.
 */
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
 * Reads one page at a time, because on a host with many connections the table has megabytes, and
 * slices are waiting.
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
