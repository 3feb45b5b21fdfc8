// Files that settings name: none of them holds up a start or a reload, whatever the file is.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readPem } from '../../src/ingest/tls-certificate.ts';
import { accessOf } from '../../src/observe/access.ts';
import { readNamedFile } from '../../src/system/named-file.ts';
import { trustedCertificates } from '../../src/transport/trusted-certificates.ts';

/** The name of a file in a folder of its own. */
function fileFor(t: TestContext, beforeRemoval = (_: string): void => undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-named-'));
  const file = join(folder, 'file');
  t.after(() => {
    beforeRemoval(file);
    rmSync(folder, { recursive: true });
  });
  return file;
}

/** A FIFO without a writer. A read that waits for one ends with the test, so that it fails alone. */
function fifo(t: TestContext): string {
  const path = fileFor(t, (made) => closeSync(openSync(made, constants.O_RDWR | constants.O_NONBLOCK)));
  execFileSync('mkfifo', [path]);
  return path;
}

for (const [setting, read] of [
  ['ingest.tls', (file: string) => readPem({ certificate: file, key: file })],
  ['observe.tokenFile', (tokenFile: string) => accessOf({ hosts: [], tokenFile })],
  [
    'AWS_CA_BUNDLE',
    async (file: string) => {
      process.env.AWS_CA_BUNDLE = file;
      await trustedCertificates().finally(() => delete process.env.AWS_CA_BUNDLE);
    },
  ],
] as const)
  test(`a FIFO is refused at once, without waiting for its writer: ${setting}`, {
    timeout: 5_000,
  }, async (t) => {
    await assert.rejects(read(fifo(t)), /it is not a regular file/);
  });

test('a file that no such file can be as large as is not read', async (t) => {
  const file = fileFor(t);
  writeFileSync(file, 'x');
  assert.equal(`${await readNamedFile(file)}`, 'x');
  truncateSync(file, 16 * 1024 * 1024 + 1);
  await assert.rejects(readNamedFile(file), /it is larger than 16 MiB/);
});
