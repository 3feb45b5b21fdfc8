// What `halfpipe check` says of a certificate for files over HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateFindings } from '../../src/commands/examine-certificate.ts';
import { certificateFor } from '../support/certificate.ts';

const DAY_MS = 86_400_000;
const FILES = { certificate: '/c.pem', key: '/k.pem' };

const pemOf = (certificate: string, key: string) => ({
  certificate: Buffer.from(certificate),
  key: Buffer.from(key),
});

test('a certificate that fits its key is told with its names and its end', (t) => {
  const nowMs = Date.now();
  const { cert, key } = certificateFor(t, ['door.example.com', '192.0.2.7'], -1, 90);
  const until = new Date(nowMs + 90 * DAY_MS).toISOString().slice(0, 10);
  assert.deepEqual(certificateFindings(FILES, pemOf(cert, key), nowMs), [
    {
      verdict: 'ok',
      text: `the certificate for door.example.com, 192.0.2.7 fits its key, and is valid until ${until}`,
    },
  ]);
  const at = (days: number) =>
    certificateFindings(FILES, pemOf(cert, key), nowMs + days * DAY_MS)
      .map(({ verdict, text }) => `${verdict} ${text}`)
      .join();
  const what = 'the certificate of CN=door.example.com in /c.pem';
  assert.match(at(75.9), /^ok/);
  assert.equal(at(76.9), `WARN ${what} expires in 13 days: renew it, then reload halfpipe`);
  assert.equal(at(88.9), `WARN ${what} expires in 1 day: renew it, then reload halfpipe`);
  assert.equal(at(90.1), `FAIL ${what} expired on ${until}: renew it, then reload halfpipe`);
  const from = new Date(nowMs - DAY_MS).toISOString().slice(0, 10);
  assert.equal(at(-2), `FAIL ${what} is not valid before ${from}: is the clock right?`);
});

test('one of the chain that expires is told, and the key of another certificate', (t) => {
  const [own, other] = [certificateFor(t, ['own'], -1, 90), certificateFor(t, ['ca'], -1, 5)];
  const verdict = (certificate: string, key: string) => {
    const [finding, ...more] = certificateFindings(FILES, pemOf(certificate, key), Date.now());
    assert.deepEqual(more, []);
    return `${finding?.verdict} ${finding?.text}`;
  };
  assert.match(verdict(own.cert + other.cert, own.key), /^WARN the certificate of CN=ca in \/c\.pem expires/);
  assert.equal(
    verdict(other.cert + own.cert, own.key),
    "FAIL the first certificate in /c.pem must be the server's own, and the others follow it",
  );
  assert.equal(verdict(own.cert, other.key), 'FAIL the key /k.pem is not that of the certificate /c.pem');
  assert.throws(() => verdict(own.cert, 'nothing'), {
    message: /^cannot use \/c\.pem with \/k\.pem \(ingest\.tls\): /,
    hint: 'Give a certificate and its own key, both in PEM, the key without a passphrase',
  });
  assert.equal(verdict('nothing', own.key), 'FAIL /c.pem has no certificate in PEM');
});
