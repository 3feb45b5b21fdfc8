// Requests as no correct client sends them: names that would lead out of a folder, fields that contradict each other, bytes that were
// changed, cut off or doubled on the way.
import fc from 'fast-check';

const NASTY = [
  '..',
  '.',
  '',
  '%2e%2e',
  '%2E.',
  '.%2e',
  '%2F',
  '..%2f..',
  '%5c..%5c',
  '%00',
  '%ff',
  '%c0%af',
  '%c0%ae%c0%ae',
  '%ed%a0%80',
  '%e2%80%ae',
  '%0d%0aX',
  '%7f',
  '%',
  '%2',
  '%zz',
  '%252e%252e',
  '.halfpipe',
  '%2ehalfpipe',
  '.halfpipe-probe',
  'attic',
  'a.tmp',
  'tmp',
  'a',
  'b c',
  'é',
  '%C3%A9',
  '%20',
  '~',
  '*',
  '\\',
  '$(x)',
  'CON',
  ';x',
  '&',
  '+',
  'a'.repeat(255),
  'a'.repeat(256),
  '%61'.repeat(100),
  '\u{1f4f7}',
  ':',
  '@',
  "'",
  '"',
  '<',
  '#',
  '?',
  '?replace=true',
  '?replace=false&',
  '//',
];

const segment = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 3, arbitrary: fc.stringMatching(/^[a-z0-9_-]{1,8}(\.jpg)?$/) },
  fc.string({ unit: 'binary', maxLength: 12 }).map((text) => encodeAll(text)),
  fc.string({ maxLength: 12 }),
);

/** The path of a URL below `/v1/files/`, encoded well or badly. */
export const hostilePath = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join('/'));

function encodeAll(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
}

const goodPath = fc.nat(5_000).map((n) => `/v1/files/camera-7/${n}.jpg`);

const target = fc.oneof(
  { weight: 12, arbitrary: hostilePath.map((path) => `/v1/files/${path}`) },
  { weight: 12, arbitrary: goodPath },
  fc.constantFrom(
    '/v1/files',
    '/v1/healthz',
    '/v1/openapi.json',
    '*',
    '/',
    '//v1/files/a',
    'http://x/v1/files/a',
    'http://x',
    '/v1/files/../files/a',
    '/v1//files/a',
    '/v1/files%2fa',
    '/v2',
    'x',
  ),
);

const VALUES: Readonly<Record<string, readonly string[]>> = {
  'Content-Length': ['0', '1', '5', '05', '-1', '+5', '1e3', '99999999999999999999', '5, 5', ''],
  'Transfer-Encoding': ['chunked', 'identity', 'gzip, chunked', 'Chunked', 'chunked;q=1', ''],
  Expect: ['100-continue', '100-Continue', '200', '', '100-continue, x'],
  'Content-Type': [
    'image/jpeg',
    'application/json',
    'multipart/form-data; boundary=x',
    '/',
    ';',
    'a/b;c="',
    '',
  ],
  'Content-Encoding': ['gzip', 'identity', ' ', ''],
  'Content-Range': ['bytes 0-1/2', ''],
  'Content-Digest': [
    'sha-256=:AAAA:',
    'sha-256',
    'sha-256=:',
    'x=1',
    ':',
    'sha-256=(1 2)',
    'sha-512=?1',
    'sha-256=@1',
    '\u00ff',
  ],
  'Repr-Digest': ['sha-256=:AAAA:;a=b', 'sha-256=1.5', ''],
  'Content-MD5': ['XUFAKrxLKna5cZ2REBfFkg==', '====', ''],
  Authorization: [
    'Bearer good',
    'bearer good',
    'Bearer camera',
    'Basic Og==',
    'Bearer',
    'Bearer good good',
    '',
  ],
  Connection: ['close', 'keep-alive', 'upgrade', 'Content-Length'],
  Upgrade: ['h2c', 'websocket'],
  Host: ['y', '', 'x y', '[::1', 'a\u0000b'],
  'X-Long': ['x'.repeat(9_000)],
  ' Folded': ['x'],
};

const FRAMING = ['Content-Length', 'Transfer-Encoding', 'Host', 'X-Long', ' Folded'];

const fieldOf = (names: readonly string[]) =>
  fc
    .constantFrom(...names)
    .chain((name) => fc.constantFrom(...(VALUES[name] ?? [''])).map((value) => `${name}: ${value}`));
const anyField = fieldOf(Object.keys(VALUES));
/** Fields that leave a request readable, so that the door itself has to judge it. */
const readableField = fieldOf(Object.keys(VALUES).filter((name) => !FRAMING.includes(name)));

const body = fc.oneof(
  { weight: 4, arbitrary: fc.string({ maxLength: 40 }) },
  fc.constantFrom(
    '5\r\nhello\r\n0\r\n\r\n',
    '5;x\r\nhello\r\n0\r\nX: y\r\n\r\n',
    'fffffffffffffffff\r\n',
    '5\r\nhel',
  ),
  fc.string({ maxLength: 200 }).map((text) => text.repeat(400)),
);

const whole = fc
  .record({
    method: fc.oneof(
      { weight: 6, arbitrary: fc.constant('PUT') },
      fc.constantFrom(
        'POST',
        'HEAD',
        'GET',
        'DELETE',
        'OPTIONS',
        'PATCH',
        'CONNECT',
        'TRACE',
        'put',
        'QUERY',
      ),
    ),
    target,
    version: fc.oneof(
      { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
      fc.constantFrom('HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', ''),
    ),
    isGood: fc.nat(9).map((n) => n > 0),
    isSized: fc.nat(3).map((n) => n > 0),
    fields: fc.oneof(
      fc.constant([]),
      { weight: 2, arbitrary: fc.array(readableField, { maxLength: 3 }) },
      fc.array(anyField, { maxLength: 3 }),
    ),
    body,
  })
  .map(({ method, target: to, version, isGood, isSized, fields, body: content }) => {
    const own = [
      ...(isGood ? ['Host: x', 'Authorization: Bearer good'] : []),
      ...(isSized ? [`Content-Length: ${Buffer.byteLength(content, 'latin1')}`] : []),
    ];
    return `${method} ${to} ${version}\r\n${[...own, ...fields].join('\r\n')}\r\n\r\n${content}`;
  });

/** Bytes for a connection, as latin1 text. */
export const hostileBytes = fc.oneof(
  { weight: 8, arbitrary: whole },
  fc.tuple(whole, fc.nat(), fc.nat(255)).map(([bytes, at, byte]) => {
    const place = at % bytes.length;
    return bytes.slice(0, place) + String.fromCharCode(byte) + bytes.slice(place + 1);
  }),
  fc.tuple(whole, fc.nat()).map(([bytes, end]) => bytes.slice(0, end % bytes.length)),
  fc.tuple(whole, whole).map(([one, other]) => one + other),
);
