// How a file and the environment become settings, and what is said about a file that is none.
// The values of single options are in load-values.test.ts.
import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { type Environment, loadSettings } from '../../src/config/load.ts';
import { schema } from '../../src/config/schema.ts';
import { ConfigScratch } from '../support/config-scratch.ts';

const scratch = new ConfigScratch();
after(() => scratch.remove());

const BUCKET = 's3: { bucket: my-bucket }\n';

test('fills in the defaults around what the file sets', async () => {
  const settings = await scratch.load(`${BUCKET}link:\n  capacity: 100 Mbit/s\n  floor: 500 kbit/s\n`);
  assert.equal(settings.s3.bucket, 'my-bucket');
  assert.equal(settings.link.capacityBitsPerSec, 100e6);
  assert.deepEqual(settings.link.floor, { bitsPerSec: 500e3 });
  assert.equal(settings.link.share, 0.5);
  assert.equal(settings.s3.region, undefined);
});

test('accepts JSON', async () => {
  const settings = await scratch.load(
    '{"s3": {"bucket": "my-bucket", "tags": {"team": "a b"}}, "upload": {"concurrency": 8}}',
  );
  assert.deepEqual(settings.s3.tags, { team: 'a b' });
  assert.equal(settings.upload.concurrency, 8);
});

test('treats null, an empty section and an empty optional as not set', async () => {
  const settings = await scratch.load(
    'spool:\nlink: ~\ns3:\n  bucket: my-bucket\n  region:\n  endpoint: ""\n  partSize: null\n',
  );
  assert.equal(settings.s3.region, undefined);
  assert.equal(settings.s3.endpoint, undefined);
  assert.equal(settings.s3.partSizeBytes, 8 * 1024 * 1024);
  assert.equal(settings.spool.settleMs, 2000);
});

test('reads the timetable that the documentation shows, and refuses one whose entries overlap', async () => {
  const example = schema.link.timetable.example ?? '';
  const { link } = await scratch.load(`${BUCKET}link: { timetable: ${example} }\n`, {});
  assert.deepEqual(link.timetable, [{ days: [1, 2, 3, 4, 5], fromMinute: 480, toMinute: 1080, share: 0.3 }]);
  const twice = scratch.load(
    `${BUCKET}link: { timetable: mon 08:00-12:00 30 %; daily 11:00-13:00 80 % }\n`,
    {},
  );
  await assert.rejects(twice, /link\.timetable.*mon 08:00-12:00 30 % and daily 11:00-13:00 80 % overlap/);
});

test('lets the environment go before the file, and ignores empty and foreign variables', async () => {
  const settings = await scratch.load(`${BUCKET}link: { share: 40 %, capacity: 10 Mbit/s }\n`, {
    HALFPIPE_LINK_SHARE: '25 %',
    HALFPIPE_LINK_CAPACITY: '',
    HALFPIPE_SPOOL_PRUNE_EMPTY_DIRS: 'true',
    HALFPIPE_SPOOL_IGNORE: '.*, *.bak',
    HALFPIPE_UPLOAD_CONCURRENCY: '12',
    HALFPIPE_S3_METADATA: 'site=berlin,note=a=b',
    HALFPIPE_CONFIG: '/elsewhere',
    PATH: '/bin',
  });
  assert.equal(settings.link.share, 0.25);
  assert.equal(settings.link.capacityBitsPerSec, 10e6);
  assert.equal(settings.spool.pruneEmptyDirs, true);
  assert.deepEqual(settings.spool.ignore, ['.*', '*.bak']);
  assert.equal(settings.upload.concurrency, 12);
  assert.deepEqual(settings.s3.metadata, { site: 'berlin', note: 'a=b' });
});

test('keeps metadata names with dots, reads a bare 0 and drops a trailing /', async () => {
  const settings = await scratch.load(
    's3: { bucket: my-bucket, metadata: { a.b-c_d: "1" } }\nspool: { settle: 0, path: /srv/in/ }\n',
  );
  assert.deepEqual(settings.s3.metadata, { 'a.b-c_d': '1' });
  assert.equal(settings.spool.settleMs, 0);
  assert.equal(settings.spool.path, '/srv/in');
});

test('says how to name the file when it is missing', async () => {
  const file = join(scratch.directory, 'missing.yaml');
  assert.deepEqual(await scratch.problemsOf(loadSettings(file, {})), [
    `${file}: no such file: name the config file with --config FILE`,
  ]);
});

test('says so when the file is a directory', async () => {
  assert.deepEqual(await scratch.problemsOf(loadSettings(scratch.directory, {})), [
    `${scratch.directory}: is a directory: name the config file with --config FILE`,
  ]);
});

const asRoot = process.getuid?.() === 0 && 'root may read every file';
test('says what to do when the file may not be read', { skip: asRoot }, async () => {
  await scratch.load(BUCKET);
  chmodSync(scratch.file, 0);
  try {
    assert.deepEqual(await scratch.problemsOf(loadSettings(scratch.file, {})), [
      `FILE: may not be read by user ${userInfo().username}: give it read permission (chmod, chown)`,
    ]);
  } finally {
    chmodSync(scratch.file, 0o600);
  }
});

test('refuses a file that is no UTF-8', async () => {
  assert.deepEqual(await scratch.problemsOf(scratch.load(Buffer.from([0x61, 0xff, 0x3a]))), [
    'FILE: is not UTF-8 text: save it as UTF-8',
  ]);
});

test('reports everything that is wrong at once, and counts it in its one-line message', async () => {
  const loading = scratch.load('spool:\n  setle: 2 s\n  order: random\nlink:\n  share: 0 %\n', {
    HALFPIPE_LOG_LEVEL: 'loud',
  });
  await assert.rejects(loading, {
    message: `${scratch.file}:2: spool.setle is not an option: did you mean spool.settle? (and 4 more problems)`,
  });
  assert.deepEqual(await scratch.problemsOf(loading), [
    'FILE:2: spool.setle is not an option: did you mean spool.settle?',
    'FILE:3: spool.order = "random": must be oldest-first, newest-first, smallest-first or name',
    'FILE:5: link.share = "0 %": must be above 0 % and at most 100 %, such as 50 %',
    'FILE: s3.bucket is required: type the name of the bucket, such as my-bucket',
    'environment: HALFPIPE_LOG_LEVEL: log.level = "loud": must be debug, info, warn or error',
  ]);
});

/** Loads `text` alone and expects exactly one problem. */
function refuses(what: string, text: string, problem: string, env?: Environment) {
  test(`refuses ${what}`, async () => {
    assert.deepEqual(await scratch.problemsOf(scratch.load(text, env)), [problem]);
  });
}

const REQUIRED = 'FILE: s3.bucket is required: type the name of the bucket, such as my-bucket';
refuses('an empty file', '', REQUIRED);
refuses('a file of comments', '# s3: { bucket: my-bucket }\n', REQUIRED);
refuses('a missing bucket', 's3:\n  bucket:\n', REQUIRED);

test('refuses a file that is a list', async () => {
  assert.deepEqual(await scratch.problemsOf(scratch.load('- s3\n')), [
    'FILE:1: must hold sections such as "s3:", with keys indented below them',
    REQUIRED,
  ]);
});

const DUPLICATE = 'key bucket is here a second time: remove one of the two';
const ALIAS = "a value that begins with * needs quotes: type '*.tmp'";
const INDENT = 'indent the lines of a section alike, and put a value that contains ": " in quotes';
const FLOW = 'Flow map in block collection must be sufficiently indented and end with a }';
refuses('a tab', 's3:\n\tbucket: my-bucket\n', 'FILE:2:1: tabs cannot indent in YAML: use spaces');
refuses('a key typed twice', 's3:\n  bucket: a-a\n  bucket: b-b\n', `FILE:3:3: ${DUPLICATE}`);
refuses('a bracket left open', 's3: {bucket: my-bucket\n', `FILE:2:1: ${FLOW}`);
refuses('a value that reads like a key', 's3: a: b\n', `FILE:1:5: ${INDENT}`);
refuses('a pattern without quotes', `${BUCKET}spool: { ignore: [*.tmp] }\n`, `FILE:2:19: ${ALIAS}`);
refuses('a second document', `${BUCKET}---\n`, 'FILE:2:1: only one document is allowed: remove the --- line');
refuses(
  'a tag',
  's3: { bucket: !secret my-bucket }\n',
  'FILE:1:15: tags such as !secret are not accepted: remove it',
);
refuses(
  'a tag of JavaScript',
  's3: { bucket: !!js/function x }\n',
  'FILE:1:15: tags such as !!js/function are not accepted: remove it',
);

/** Adds `text` below the bucket and expects one problem of `key`, on the last line. */
function refusesKey(what: string, text: string, key: string, reason: string) {
  refuses(what, `s3:\n  bucket: my-bucket\n${text}`, `FILE:${text.split('\n').length + 2}: ${key} ${reason}`);
}

const NO_OPTION = 'is not an option: remove it, or see halfpipe.yaml(5) for all options';
const NESTED = 'must be nested: type link: and, indented on the next line, share:';
const NO_VALUE = 'must have no value of its own: put keys such as interface below it, indented';
const CHAIN =
  "is not an option: credentials come from the AWS SDK's own chain (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials, an instance role)";

refusesKey(
  'an unknown key',
  'link:\n  shares: 50 %',
  'link.shares',
  'is not an option: did you mean link.share?',
);
refusesKey('an unknown key like no other', 'link: { wxyzwxyzwxyz: 1 }', 'link.wxyzwxyzwxyz', NO_OPTION);
refusesKey(
  'an unknown section',
  'uplaod: { deadline: 1 s }',
  'uplaod',
  'is not an option: did you mean upload?',
);
refusesKey('a key outside its section', 'share: 5 %', 'share', 'is not an option: did you mean link.share?');
refusesKey(
  'a key elsewhere',
  'spool: { share: 5 % }',
  'spool.share',
  'is not an option: did you mean link.share?',
);
refusesKey('a key with a dot', 'link.share: 50 %', 'link.share', NESTED);
refusesKey('a section with a value', 'link: 50 %', 'link', NO_VALUE);
refusesKey('the name of something built in', '__proto__: { a: 1 }', '__proto__', NO_OPTION);
refusesKey('a key with a line break, in one line', '"a\\nb": 1', '"a\\nb"', NO_OPTION);
refusesKey('an access key', '  accessKeyId: AKIAEXAMPLE', 's3.accessKeyId', CHAIN);
refusesKey('a secret in no section', 'secretAccessKey: hush', 'secretAccessKey', CHAIN);

refuses('a secret in the environment', BUCKET, `environment: HALFPIPE_S3_SECRET_ACCESS_KEY ${CHAIN}`, {
  HALFPIPE_S3_SECRET_ACCESS_KEY: 'hush',
});
refuses(
  'an unknown variable',
  BUCKET,
  'environment: HALFPIPE_LINK_SHAER is not an option: did you mean HALFPIPE_LINK_SHARE?',
  { HALFPIPE_LINK_SHAER: '1 %' },
);

test('takes a capacity for each interface, from the file and from the environment', async () => {
  const rates = { eth0: 100e6, wwan0: 5e6 };
  const file = 's3: { bucket: my-bucket }\nlink: { capacity: { eth0: 100 Mbit/s, wwan0: 5 Mbit/s } }';
  assert.deepEqual((await scratch.load(file)).link.capacityBitsPerSec, rates);
  const env = { HALFPIPE_LINK_CAPACITY: 'eth0=100 Mbit/s, wwan0=5 Mbit/s' };
  assert.deepEqual((await scratch.load('s3: { bucket: my-bucket }', env)).link.capacityBitsPerSec, rates);
});

test('takes another counter of the line: a file, or a metric of a page', async () => {
  const counterOf = async (text: string) =>
    (await scratch.load(JSON.stringify({ s3: { bucket: 'my-bucket' }, link: { counter: text } }))).link
      .counter;
  assert.deepEqual(await counterOf('/run/wan/tx_bytes'), { kind: 'file', path: '/run/wan/tx_bytes' });
  assert.deepEqual(await counterOf('http://192.168.1.1:9100/metrics#tx_bytes{device="wan", job="a"}'), {
    kind: 'page',
    url: 'http://192.168.1.1:9100/metrics',
    metric: 'tx_bytes',
    labels: { device: 'wan', job: 'a' },
  });
});
