// Which interface carries traffic to the endpoint. Asks the kernel's own routing decision by connecting a UDP socket,
// which sends nothing and honours policy routing, for IPv4 and IPv6 alike.
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import systeminformation from 'systeminformation';
import { errnoOf, Fault } from '../system/fault.ts';

export interface Endpoint {
  /** A name or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * The name of the interface towards the endpoint. While the endpoint's name does not resolve: `present`, the interface
 * known so far, or else that of the default route. Rejects with a `transient` Fault when there is no route at all.
 */
export async function interfaceTowards(endpoint: Endpoint, present?: string): Promise<string> {
  let cause: unknown;
  const addresses = await addressesOf(endpoint.host);
  if (addresses.length === 0 && present !== undefined) return present;
  for (const address of addresses) {
    try {
      return await interfaceTowardsAddress(address, endpoint.port);
    } catch (error) {
      cause = error;
    }
  }
  const fallback = await systeminformation.networkInterfaceDefault();
  if (fallback !== '' && networkInterfaces()[fallback] !== undefined) return fallback;
  throw new Fault('transient', `no route to ${endpoint.host}`, {
    operation: 'find the interface',
    subject: endpoint.host,
    hint: 'Is the network up? Set link.interface to name the interface yourself.',
    cause,
  });
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return []; // not resolvable now
  }
}

async function interfaceTowardsAddress(address: string, port: number): Promise<string> {
  const ownName = interfaceHolding(address);
  // Traffic to an address of our own never reaches its interface.
  if (ownName !== undefined) return loopbackName() ?? ownName;
  const socket: Socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    socket.connect(port, address);
    await once(socket, 'connect');
    const local = socket.address().address;
    const name = interfaceHolding(local);
    if (name === undefined) throw new Error(`no interface holds ${local}`);
    return name;
  } finally {
    socket.close();
  }
}

function interfaceHolding(address: string): string | undefined {
  const holds = ([, addresses]: [string, { address: string }[] | undefined]) =>
    addresses?.some((candidate) => candidate.address === address);
  return Object.entries(networkInterfaces()).find(holds)?.[0];
}

function loopbackName(): string | undefined {
  return Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ internal }) => internal),
  )?.[0];
}
