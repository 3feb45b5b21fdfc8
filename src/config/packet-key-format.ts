// What a template for the keys of packets may say. packets/packet-key fills it in.
import type { Format } from './formats.ts';
import { keyPrefix } from './s3-formats.ts';

const FIELDS = ['date', 'time', 'host', 'group', 'digest'];

/** A prefix has at most 512 bytes, all fields but the group at most 150: a key has 1,024. */
const TEMPLATE_BYTES_MAX = 256;

export const packetKeyTemplate: Format<string> = (value) => {
  if (typeof value !== 'string' || value === '')
    throw new RangeError('must be text with {digest} in it, such as packets/{date}-{digest}.zip');
  keyPrefix(value);
  const fields = [...value.matchAll(/\{([^{}]*)\}/g)].map(([, name = '']) => name);
  const unknown = fields.find((name) => !FIELDS.includes(name));
  if (unknown !== undefined || /[{}]/.test(value.replace(/\{[^{}]*\}/g, ''))) {
    throw new RangeError(`must have no braces but those of ${FIELDS.map((name) => `{${name}}`).join(', ')}`);
  }
  if (fields.filter((name) => name === 'digest').length !== 1)
    throw new RangeError('must contain {digest}, once: without it, two packets could have one key');
  if (new Set(fields).size < fields.length) throw new RangeError('must contain each field at most once');
  if (value.endsWith('/')) throw new RangeError('must not end with /');
  if (Buffer.byteLength(value) > TEMPLATE_BYTES_MAX)
    throw new RangeError(`must be at most ${TEMPLATE_BYTES_MAX} bytes long`);
  return value;
};
