// Makes a packet's key from the template of the configuration.
import { KEY_BYTES_MAX, keyFor } from '../store/keys.ts';

/** 128 bits of the packet's SHA-256. */
const DIGEST_DIGITS = 32;

export interface PacketKeyFacts {
  /** Wall clock, milliseconds since the epoch. The key tells of it in UTC. */
  readonly wallMs: number;
  readonly host: string;
  /** '' if the files have nothing in common. */
  readonly group: string;
  /** The packet's SHA-256. */
  readonly digestHex: string;
  /** What all keys begin with. */
  readonly prefix?: string;
}

/**
 * Replaces `{date}`, `{time}`, `{host}`, `{group}` and `{digest}`. A field without a value takes
 * the `/` after it along. A group is shortened to make the key fit: the digest keeps keys apart.
 * Throws Fault `file` if the key is too long even without a group.
 */
export function packetKey(template: string, { prefix = '', ...facts }: PacketKeyFacts): string {
  const [date = '', time = ''] = new Date(facts.wallMs).toISOString().split(/[T.]/);
  const keyWith = (group: string): string => {
    const values: Readonly<Record<string, string>> = {
      date,
      time: time.replaceAll(':', ''),
      host: facts.host.replaceAll('/', '-'),
      group,
      digest: facts.digestHex.slice(0, DIGEST_DIGITS),
    };
    return template.replace(/\{(\w+)\}(\/?)/g, (placeholder, name: string, slash: string) => {
      const value = values[name] ?? placeholder;
      return value === '' ? '' : value + slash;
    });
  };
  const roomBytes = KEY_BYTES_MAX - Buffer.byteLength(prefix + keyWith(''));
  const perGroup = template.split('{group}').length - 1;
  const group = beginningOf(facts.group, Math.floor(roomBytes / Math.max(1, perGroup)) - 1);
  return keyFor(Buffer.from(keyWith(group)), prefix);
}

/** The longest beginning of `text` within `limitBytes` of UTF-8 that splits no character. */
function beginningOf(text: string, limitBytes: number): string {
  if (limitBytes <= 0) return '';
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(limitBytes));
  return text.slice(0, read).replace(/\/+$/, '');
}
