// A spool that holds what the program needs is refused, however it is named.
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadVettedSettings } from '../../src/commands/vetted-settings.ts';

async function place(t: TestContext) {
  const base = await mkdtemp(join(tmpdir(), 'halfpipe-vetted-'));
  t.after(() => rm(base, { recursive: true, force: true }));
  await mkdir(join(base, 'spool'));
  const load = async (path: string, env = {}, folder = base) => {
    const file = join(folder, 'halfpipe.yaml');
    await writeFile(file, JSON.stringify({ spool: { path }, s3: { bucket: 'b-b-b' } }));
    return loadVettedSettings(file, env);
  };
  return { base, spool: join(base, 'spool'), load };
}

test('accepts a folder of its own, there or not', async (t) => {
  const { base, spool, load } = await place(t);
  assert.equal((await load(spool)).spool.path, spool);
  assert.equal((await load(join(base, 'not/there'))).spool.path, join(base, 'not/there'));
});

for (const [what, refusal, arrange] of [
  ['the config', /holds its configuration/, ({ base }) => [base]],
  [
    'the config, by way of a link',
    /which is .*: holds its configuration/,
    async ({ base }) => {
      await symlink(base, join(base, 'link'));
      return [join(base, 'link')];
    },
  ],
  [
    'a link to a folder of the system',
    /which is \/etc: is a folder of the system/,
    async ({ base }) => {
      await symlink('/etc', join(base, 'link'));
      return [join(base, 'link')];
    },
  ],
  ['the program', /holds the program/, () => [fileURLToPath(new URL('../..', import.meta.url))]],
  [
    'the credentials',
    /holds what AWS_SHARED_CREDENTIALS_FILE names/,
    ({ spool }) => [spool, { AWS_SHARED_CREDENTIALS_FILE: join(spool, 'credentials') }],
  ],
  [
    'the token of the listener',
    /holds the token of observe\.tokenFile/,
    ({ spool }) => [spool, { HALFPIPE_OBSERVE_TOKEN_FILE: join(spool, 'token') }],
  ],
  [
    'the tokens of producers',
    /holds the tokens of ingest\.tokensFile/,
    ({ spool }) => [spool, { HALFPIPE_INGEST_TOKENS_FILE: join(spool, 'tokens.json') }],
  ],
  [
    'the key of the certificate',
    /holds the key of ingest\.tls/,
    ({ spool }) => [spool, { HALFPIPE_INGEST_TLS: `certificate=/etc/cert.pem,key=${spool}/key.pem` }],
  ],
  [
    'a link that leads to the credentials',
    /holds what AWS_CONFIG_FILE names/,
    async ({ base, spool }) => {
      await writeFile(join(base, 'real'), '');
      await symlink(join(base, 'real'), join(spool, 'link'));
      return [spool, { AWS_CONFIG_FILE: join(spool, 'link') }];
    },
  ],
] as readonly (readonly [
  string,
  RegExp,
  (place: { base: string; spool: string }) => [string, object?] | Promise<[string, object?]>,
])[]) {
  test(`refuses a spool that is or holds ${what}, and names the key`, async (t) => {
    const { base, spool, load } = await place(t);
    const [path, env] = await arrange({ base, spool });
    await assert.rejects(load(path, env), (error: Error) => {
      assert.match(error.message, /spool\.path = /);
      assert.match(error.message, refusal);
      return true;
    });
  });
}
