// A key and a certificate of its own making for a server of a test: for any names, valid from any day to any other.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const DAY_MS = 86_400_000;

export interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** Where the certificate, which is its own CA, lies. */
  readonly file: string;
}

/** Days count from today. Its files go when the test ends. */
export function certificateFor(
  t: Pick<TestContext, 'after'>,
  names: readonly string[],
  fromDay = -1,
  toDay = 9,
): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-certificate-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string) => join(folder, name);
  const alternatives = names.map((name) => `${isIP(name) === 0 ? 'DNS' : 'IP'}:${name}`).join(',');
  writeFileSync(
    at('config'),
    [
      '[ca]\ndefault_ca = own',
      `[own]\nnew_certs_dir = ${folder}\ndatabase = ${at('index')}\nserial = ${at('serial')}`,
      'default_md = sha256\npolicy = any\nx509_extensions = both',
      '[any]\ncommonName = supplied',
      `[both]\nbasicConstraints = CA:TRUE\nsubjectAltName = ${alternatives}`,
      '[req]\ndistinguished_name = none\n[none]\n',
    ].join('\n'),
  );
  writeFileSync(at('index'), '');
  writeFileSync(at('serial'), '01\n');
  const openssl = (command: string) =>
    execFileSync('openssl', [...command.split(' '), '-config', at('config')], { stdio: 'pipe' });
  openssl(
    `req -new -newkey rsa:2048 -nodes -subj /CN=${names[0]} -keyout ${at('key.pem')} -out ${at('request.pem')}`,
  );
  const day = (days: number) =>
    `${new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
  openssl(
    `ca -batch -notext -selfsign -keyfile ${at('key.pem')} -in ${at('request.pem')} -out ${at('cert.pem')} ` +
      `-startdate ${day(fromDay)} -enddate ${day(toDay)}`,
  );
  const read = (name: string) => readFileSync(at(name), 'utf8');
  return { key: read('key.pem'), cert: read('cert.pem'), file: at('cert.pem') };
}
