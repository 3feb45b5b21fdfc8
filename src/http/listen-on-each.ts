// A server's place on the network: the addresses of one port, and why one of them cannot be had.
import { once } from 'node:events';
import { type AddressInfo, isIPv6, type Server } from 'node:net';
import { errnoOf, Fault } from '../system/fault.ts';

export interface ListenAt {
  /** IP addresses of this machine. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** The key in the config file, for hints. */
  readonly setting: string;
  /** What else helps with a port that is for root, for hints: `or …`. */
  readonly belowPort1024?: string;
}

/**
 * Makes a server listen on each address. Rejects with a Fault when an address cannot be listened
 * on; none is then. An address that this machine does not have, such as ::1 without IPv6, is left
 * out while there is another.
 */
export async function listenOnEach<T extends Server>(at: ListenAt, create: () => T): Promise<readonly T[]> {
  const opened: T[] = [];
  let missing: unknown;
  try {
    for (const address of at.addresses) {
      const server = create();
      try {
        await listening(server, address, at.port);
        opened.push(server);
      } catch (error) {
        if (!LACKS_ADDRESS.has(errnoOf(error) ?? '')) throw refused(error, address, at);
        missing = refused(error, address, at);
      }
    }
    if (opened.length === 0) throw missing;
  } catch (error) {
    for (const server of opened) server.close();
    throw error;
  }
  return opened;
}

/** Where a listening server is, without a path. */
export function urlOf(scheme: 'http' | 'https', server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

const LACKS_ADDRESS = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

async function listening(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  await once(server, 'listening');
}

const WHY: Readonly<Record<string, (at: ListenAt) => readonly [reason: string, hint: string]>> = {
  EADDRINUSE: ({ port, setting }) => [
    'another program listens there',
    `Find it with ss -ltnp 'sport = :${port}' and stop it, or set ${setting} to another port`,
  ],
  EADDRNOTAVAIL: ({ setting }) => [
    'this machine has no such address',
    `ip -brief address lists its addresses: set ${setting} to one of them`,
  ],
  EACCES: ({ port, setting, belowPort1024 }) => [
    'ports below 1024 are for root',
    [`Set ${setting} to a higher port, such as ${8_000 + port}`, belowPort1024].filter(Boolean).join(', '),
  ],
  EPERM: () => [
    'the service may not',
    'Look for SocketBindDeny= in systemctl cat halfpipe, and allow the port with SocketBindAllow=',
  ],
};

function refused(error: unknown, address: string, at: ListenAt): Fault {
  const code = errnoOf(error);
  const subject = `${isIPv6(address) ? `[${address}]` : address}:${at.port}`;
  const [reason, hint] = WHY[code ?? '']?.(at) ?? [
    error instanceof Error ? error.message : String(error),
    `Set ${at.setting} to another address or port`,
  ];
  return new Fault('blocked', `cannot listen on ${subject} (${at.setting}): ${reason}`, {
    ...{ operation: 'listen', subject, hint, cause: error, isLocal: true },
    ...(code === undefined ? {} : { code }),
  });
}
