// The part of `halfpipe check` about `ingest.listen: systemd`: whether a socket unit opens a socket
// for the service.
import type { Service } from '../system/service.ts';
import { type Finding, fails, ok, warns } from './finding.ts';
import { showUnit } from './sandbox.ts';

const EXAMPLE = '/usr/share/doc/halfpipe/examples/halfpipe-ingest.socket';

export interface SocketUnit {
  readonly name: string;
  readonly isActive: boolean;
  /** `[::]:8443`, or the path of a Unix socket. */
  readonly addresses: readonly string[];
}

/** What is true of the socket, and where it is. */
export interface Examined {
  readonly finding: Finding;
  readonly addresses: readonly string[];
}

export async function examineSocket({ unit, user }: Service): Promise<Examined> {
  // The config of a service that systemd knows.
  const loaded = user === undefined ? [] : await showUnit(unit, ['LoadState', 'TriggeredBy']);
  if (!loaded.some(([name, value]) => name === 'LoadState' && value === 'loaded'))
    return {
      finding: warns('whether systemd hands over a socket is seen only when the service starts'),
      addresses: [],
    };
  const triggers = loaded.flatMap(([name, value]) => (name === 'TriggeredBy' ? value.split(' ') : []));
  const sockets = triggers.filter((name) => name.endsWith('.socket'));
  const asked = ['ActiveState', 'Listen'];
  const units = await Promise.all(sockets.map(async (name) => socketUnit(name, await showUnit(name, asked))));
  return judgeSockets(units, unit);
}

/** `shown` has the properties ActiveState and Listen. */
export function socketUnit(name: string, shown: readonly (readonly [string, string])[]): SocketUnit {
  const of = (wanted: string) => shown.filter(([property]) => property === wanted).map(([, value]) => value);
  return {
    name,
    isActive: of('ActiveState')[0] === 'active',
    addresses: of('Listen').map((value) => value.replace(/ \(\w+\)$/, '')),
  };
}

export function judgeSockets(units: readonly SocketUnit[], service: string): Examined {
  const [open] = units.filter(({ isActive }) => isActive);
  if (open !== undefined) {
    const { name, addresses } = open;
    return { finding: ok(`systemd listens on ${addresses.join(' and ')} (${name})`), addresses };
  }
  const [closed] = units;
  const finding =
    closed === undefined
      ? fails(`ingest.listen is systemd, but no socket unit belongs to ${service}: see ${EXAMPLE}`)
      : fails(
          `the socket of ${closed.name} is not open: systemctl stop ${service} && systemctl enable --now ${closed.name} && systemctl start ${service}`,
        );
  return { finding, addresses: [] };
}
