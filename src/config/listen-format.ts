// Where a server listens, and its names: the formats of `observe.listen`, `ingest.listen` and what
// belongs to them.
import { isIP } from 'node:net';
import { posix } from 'node:path';
import type { Format } from './formats.ts';

export interface ListenAt {
  /** IP addresses. Two for the loopback interface: 127.0.0.1 and ::1. */
  readonly addresses: readonly string[];
  readonly port: number;
}

/** Where files over HTTP are taken. */
export type IngestListen =
  | ({ readonly kind: 'tcp' } & ListenAt)
  /** The absolute path of a Unix socket. */
  | { readonly kind: 'unix'; readonly path: string }
  /** The socket that systemd has opened. */
  | { readonly kind: 'systemd' };

const LOOPBACK = ['127.0.0.1', '::1'];

/**
 * `9464` and `localhost:9464` mean this machine alone; otherwise `192.0.2.7:9464` or
 * `[2001:db8::7]:9464`.
 */
export const listenAt: Format<ListenAt> = (value) => {
  const text = typeof value === 'number' ? `${value}` : typeof value === 'string' ? value.trim() : '';
  const [, bracketed, plain, digits = ''] = /^(?:(?:\[(.+)\]|([^[\]:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  const address = bracketed ?? plain;
  if (port < 1 || port > 65_535) throw refusal();
  if (address === undefined || address === 'localhost') return { addresses: LOOPBACK, port };
  const family = isIP(address);
  if (family === 0 || (family === 6) !== (bracketed !== undefined)) throw refusal();
  return { addresses: [address], port };
};

function refusal(): RangeError {
  return new RangeError(
    'must be a port, such as 9464, for this machine alone, or an IP address of this machine with a port, such as 192.0.2.7:9464, [2001:db8::7]:9464 or, for all its addresses, [::]:9464',
  );
}

/** Accepts what listenAt accepts, the path of a Unix socket, or `systemd`. */
export const ingestListen: Format<IngestListen> = (value) => {
  if (value === 'systemd') return { kind: 'systemd' };
  if (typeof value === 'string' && value.startsWith('/')) return { kind: 'unix', path: socketPath(value) };
  try {
    return { kind: 'tcp', ...listenAt(value) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${error.message}; or the path of a Unix socket; or systemd`);
  }
};

/** sun_path in unix(7) has 108 bytes, the last of which is zero. */
const SOCKET_PATH_BYTES_MAX = 107;

function socketPath(value: string): string {
  const path = posix.resolve(value);
  if (/\0|\/$/.test(value) || Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX)
    throw new RangeError(
      `must be a path of at most ${SOCKET_PATH_BYTES_MAX} bytes for a Unix socket, such as /run/halfpipe/ingest.sock`,
    );
  return path;
}

/** Names and IP addresses, without a port: a list in the file, with commas in the environment. */
export const hostNames: Format<readonly string[]> = (value) => {
  const list = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  const accepted = (name: unknown) =>
    typeof name === 'string' && (isIP(name) !== 0 || /^(?!-)[A-Za-z0-9_.-]{1,253}$/.test(name));
  if (value === '') return [];
  if (Array.isArray(list) && list.every(accepted)) return list;
  throw new RangeError('must be a list of host names without a port, such as [camera-7.example.com]');
};
