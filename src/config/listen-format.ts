// The formats of `observe.listen` and what belongs to it: where a server listens, and its names.
import { isIP } from 'node:net';
import type { Format } from './formats.ts';

export interface ListenAt {
  /** IP addresses. Two for the loopback interface: 127.0.0.1 and ::1. */
  readonly addresses: readonly string[];
  readonly port: number;
}

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

/** Names and IP addresses, without a port: a list in the file, with commas in the environment. */
export const hostNames: Format<readonly string[]> = (value) => {
  const list = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  const accepted = (name: unknown) =>
    typeof name === 'string' && (isIP(name) !== 0 || /^(?!-)[A-Za-z0-9_.-]{1,253}$/.test(name));
  if (value === '') return [];
  if (Array.isArray(list) && list.every(accepted)) return list;
  throw new RangeError('must be a list of host names without a port, such as [camera-7.example.com]');
};
