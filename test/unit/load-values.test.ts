// What is said about the value of each kind of option, and about values that are impossible together.
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { optionByKey } from '../../src/config/schema.ts';
import { ConfigScratch } from '../support/config-scratch.ts';

const scratch = new ConfigScratch();
after(() => scratch.remove());

/** Values by key, as a JSON config file on one line. */
function fileOf(values: Readonly<Record<string, unknown>>): string {
  const file: Record<string, Record<string, unknown>> = { s3: { bucket: 'my-bucket' } };
  for (const [key, value] of Object.entries(values)) {
    const [section = '', name = ''] = key.split('.');
    file[section] = { ...file[section], [name]: value };
  }
  return JSON.stringify(file);
}

/** Expects one problem: `key`, its value as typed, and `reason`. */
function refuses(what: string, key: string, value: unknown, reason: string, others = {}) {
  test(`refuses ${what}`, async () => {
    const loading = scratch.load(fileOf({ ...others, [key]: value }));
    assert.deepEqual(await scratch.problemsOf(loading), [
      `FILE:1: ${key} = ${JSON.stringify(value)}: ${reason}`,
    ]);
  });
}

/** Expects one problem that does not show the value. */
function refusesQuietly(what: string, key: string, value: unknown, reason: string) {
  test(`refuses ${what}, without showing the value`, async () => {
    const loading = scratch.load(fileOf({ [key]: value }));
    assert.deepEqual(await scratch.problemsOf(loading), [`FILE:1: ${key}: ${reason}`]);
  });
}

/** Expects one problem that names the variable. */
function refusesVariable(what: string, key: string, value: string, reason: string) {
  test(`refuses ${what} in the environment`, async () => {
    const env = optionByKey.get(key)?.env ?? key;
    const loading = scratch.load(fileOf({}), { [env]: value });
    assert.deepEqual(await scratch.problemsOf(loading), [
      `environment: ${env}: ${key} = ${JSON.stringify(value)}: ${reason}`,
    ]);
  });
}

const COUNTER =
  'must be the absolute path of a file with a number, or a URL with a metric, such as http://192.168.1.1:9100/metrics#node_network_transmit_bytes_total{device="wan"}';
const RATE =
  'must be a rate such as 100 Mbit/s, 256 kbit/s, 1.5 Gbit/s or 12.5 MB/s (bit for bits, B for bytes), or auto';
const BITS_OR_BYTES = 'could mean bits or bytes: type 100 Mbit/s for bits or 100 MB/s for bytes, or auto';
const FLOOR = 'must be a share of the capacity such as 1 %, or a rate such as 500 kbit/s';
const SIZE = 'must be a size such as 8 MiB, 500 kB, 1 GiB or 0 B (B for bytes, always upper case)';
const DURATION = 'must be a duration such as 500 ms, 2 s, 5 min, 1 h or 1 d';
const SHARE = 'must be above 0 % and at most 100 %, such as 50 %';
const COUNT = 'must be a whole number from 1 to 1024';
refuses('a rate in bits or bytes', 'link.capacity', '100 Mb', BITS_OR_BYTES);
refuses('a rate without a unit', 'link.capacity', 100, RATE);
refuses('a rate of an interface without a unit', 'link.capacity', { eth0: 100 }, `value of eth0 ${RATE}`);
for (const counter of ['tx_bytes', 'http://router/metrics', 'http://router/#a{b=c}', 5])
  refuses(`the counter ${counter}`, 'link.counter', counter, COUNTER);
refuses(
  'rates of no interface',
  'link.capacity',
  {},
  'must name an interface, such as { eth0: 100 Mbit/s }, or auto',
);
refuses(
  'a rate of what is no interface',
  'link.capacity',
  { 'a/b': '5 Mbit/s' },
  'must be the name of a network interface, such as eth0, or auto',
);
refuses(
  'a floor above the target of the least of several rates',
  'link.floor',
  '5 Mbit/s',
  'must not be above the target, 2.5 Mbit/s (share × capacity): lower it or raise link.share',
  { 'link.capacity': { eth0: '100 Mbit/s', wwan0: '5 Mbit/s' } },
);
refuses('a rate no link has', 'link.capacity', '1 bit/s', 'must be from 8 kbit/s to 1 Tbit/s, or auto');
refuses('a floor without a unit', 'link.floor', 2, FLOOR);
refuses('a floor of nothing', 'link.floor', '0 %', SHARE);
refuses('a size without a unit', 's3.partSize', 8, SIZE);
refuses('parts too small for S3', 's3.partSize', '1 MiB', 'must be from 5 MiB to 4 GiB');
refuses('parts too large for S3', 's3.partSize', '6 GiB', 'must be from 5 MiB to 4 GiB');
refuses('a duration without a unit', 'spool.settle', 2, DURATION);
refuses('a map for a duration', 'retry.max', { attempts: 3 }, DURATION);
refuses('samples too far apart', 'link.sampleInterval', '2 s', 'must be from 10 ms to 1 s');
refuses('samples too close together', 'link.sampleInterval', '1 ms', 'must be from 10 ms to 1 s');
refuses(
  'a share without its sign',
  'link.share',
  0.5,
  'must be a percentage with its sign: type 0.5 % or 50 %',
);
refuses(
  'a share far beyond all, without offering it',
  'link.share',
  250,
  'must be a percentage with its sign, such as 50 % or 2.5 %',
);
refuses('a share of nothing', 'link.share', '0 %', SHARE);
refuses('a share of more than all', 'link.share', '150 %', SHARE);
refuses('half an upload', 'upload.concurrency', 1.5, `${COUNT}, or auto`);
refuses('no upload at all', 'upload.maxConcurrency', 0, COUNT);
refuses('a yes for true', 'spool.pruneEmptyDirs', 'yes', 'must be true or false');
refuses('an unknown conflict policy', 's3.conflict', 'both', 'must be keep-both, overwrite or skip');
refusesVariable('a share of more than all', 'link.share', '150 %', SHARE);
refusesVariable('a no for false', 'spool.pruneEmptyDirs', 'no', 'must be true or false');
refusesVariable('a number with letters', 'upload.maxConcurrency', '12abc', COUNT);

const PATH =
  'must be the absolute path of a separate folder, such as /var/spool/halfpipe; folders of the system are refused';
const PATTERNS = "must be a list of patterns that do not begin with /, such as ['.*', '*.tmp']";
const PATTERN_LINE =
  'must be patterns with commas between them, none beginning with /, no quotes, no braces, no [ in front: type .*,*~,*.tmp';
const INTERFACE = 'must be the name of a network interface, such as eth0, or auto';
refuses('a spool path that is not absolute', 'spool.path', 'var/spool', PATH);
refuses('the root as spool', 'spool.path', '/srv/..', PATH);
for (const path of [
  '/etc',
  '/home',
  '/usr/local/in',
  '/var',
  '/var/spool/',
  '/root',
  '/tmp',
  '/dev/shm',
  '/var/lib/dpkg/x',
])
  refuses(`the spool ${path}`, 'spool.path', path, PATH);
refuses('a map for a list', 'spool.ignore', { a: 'b' }, PATTERNS);
refuses('a pattern that never matches', 'spool.ignore', ['/tmp'], PATTERNS);
refuses('an impossible interface name', 'link.interface', 'eth0; reboot', INTERFACE);

// Split at its commas, such a line was a list of patterns that match nothing: half-written files were shipped.
for (const line of [`['.*', '*~', '*.tmp']`, '[.*,*.tmp]', `'*.tmp'`, '"*.tmp"', '*.{tmp,part}'])
  refusesVariable(`the list ${line}, typed as in the file,`, 'spool.ignore', line, PATTERN_LINE);

const BUCKET =
  'must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, such as my-bucket';
const ACCOUNT = "must be the 12 digits of an AWS account in quotes, such as '123456789012'";
const ENDPOINT = 'must be an http or https URL, such as https://s3.example.com:9000';
const STORAGE_CLASS = 'must be a storage class such as STANDARD_IA, in quotes';
refuses('a list for text', 's3.bucket', ['my-bucket'], BUCKET);
refuses('a bucket name with a blank', 's3.bucket', 'my bucket', BUCKET);
const NEEDS_ENDPOINT = `${BUCKET}; a store other than AWS that has this bucket needs s3.endpoint`;
for (const name of ['My_Bucket', 'tenant:inbound'])
  refuses(`the bucket name ${name} where AWS is the store`, 's3.bucket', name, NEEDS_ENDPOINT);
refuses('an ARN of no account', 's3.bucket', 'arn:aws:s3:eu-central-1:12:accesspoint/cam', BUCKET);
refuses('an account of eleven digits', 's3.expectedBucketOwner', '12345678901', ACCOUNT);
refuses('a bucket name with an empty label', 's3.bucket', 'my..bucket', BUCKET);
refuses('an address as bucket name', 's3.bucket', '10.0.0.1', BUCKET);
refuses('a prefix that begins with /', 's3.prefix', '/in/', 'must not begin with /: type in/');
refuses(
  'a prefix that climbs',
  's3.prefix',
  'a/../b',
  'must not contain . or .. as a folder, such as camera-7/',
);
refuses('an endpoint without http', 's3.endpoint', 's3.example.com:9000', ENDPOINT);
refuses('an endpoint of another protocol', 's3.endpoint', 'ftp://h', ENDPOINT);
refuses('an endpoint with a query', 's3.endpoint', 'http://h/?a', 'must end before ? and #: type http://h');
refuses('a region with a space', 's3.region', 'eu central', 'must be a region such as eu-central-1');
for (const region of ['-', '-eu', 'eu-central-1-'])
  refuses(`the region ${region}`, 's3.region', region, 'must be a region such as eu-central-1');
refuses('a number for text', 's3.storageClass', 7, STORAGE_CLASS);
refuses('an unknown encryption', 's3.serverSideEncryption', 'aes', 'must be AES256, aws:kms or aws:kms:dsse');

test('refuses an endpoint with a password, without showing it', async () => {
  for (const url of ['http://u:hush@h/', 'http://u:hu/sh@h/']) {
    const [problem, ...others] = await scratch.problemsOf(scratch.load(fileOf({ 's3.endpoint': url })));
    assert.match(problem ?? '', /^FILE:1: s3\.endpoint = "http:\/\/\*\*\*@h\/": must /);
    assert.deepEqual(others, []);
  }
});

const NAMES = 'must be lower-case letters, digits, dots, hyphens and underscores';
const ASCII = 'must be printable ASCII without spaces at its ends';
const PAIRS = 'must be names with values, such as { source: camera-7 }';
const FORM = 'must be names with values, such as source=camera-7';
const LARGE = 'must be at most 2048 bytes of names and values together: shorten it by 3';
const TAG_NAME = 'must be 1 to 128 letters, digits, spaces and + - = . _ : / @, not aws:…';
const TAG_VALUE = 'must be up to 256 letters, digits, spaces and + - = . _ : / @';
const elevenTags = Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`t${n}`, 'x']));
refusesQuietly('a metadata name with a space', 's3.metadata', { 'a b': 'x' }, `name "a b" ${NAMES}`);
refusesQuietly('metadata that is no ASCII', 's3.metadata', { a: 'ä' }, `value of "a" ${ASCII}`);
refusesQuietly(
  'a number as metadata',
  's3.metadata',
  { a: 1 },
  'value of "a" must be text: put it in quotes',
);
refusesQuietly('metadata that is no map', 's3.metadata', ['a'], PAIRS);
refusesQuietly('metadata on one line in braces', 's3.metadata', '{a: b}', FORM);
refusesQuietly('more than 2 KB of metadata', 's3.metadata', { a: 'x'.repeat(2050) }, LARGE);
refusesQuietly('more than 10 tags', 's3.tags', elevenTags, 'must be at most 10 tags: remove 1');
refusesQuietly('a tag AWS keeps for itself', 's3.tags', { 'aws:x': 'y' }, `name "aws:x" ${TAG_NAME}`);
refusesQuietly('a tag with a #', 's3.tags', { a: 'b#c' }, `value of "a" ${TAG_VALUE}`);

const KMS = 'needs s3.serverSideEncryption: set that to aws:kms, or remove this key';
const OVER_SHARE = 'must not be above the target, link.share (5 %): lower it or raise link.share';
const OVER_TARGET = 'must not be above the target, 5 Mbit/s (share × capacity): lower it or raise link.share';
const ONE_PART = 'must hold one part: set it to 16 MiB or more, or lower s3.partSize';
const MOST = 'must be at most upload.maxConcurrency (8): lower it or raise that';
const LONGEST = 'must be at most retry.max (5 min): lower it or raise that';
refuses('a KMS key without KMS', 's3.kmsKeyId', 'k', KMS);
refuses('a KMS key beside AES256', 's3.kmsKeyId', 'k', KMS, { 's3.serverSideEncryption': 'AES256' });
refuses('a floor above the share', 'link.floor', '6 %', OVER_SHARE, { 'link.share': '5 %' });
refuses('a floor above the target', 'link.floor', '6 Mbit/s', OVER_TARGET, { 'link.capacity': '10 Mbit/s' });
refuses('memory for less than a part', 'upload.maxMemory', '8 MiB', ONE_PART, { 's3.partSize': '16 MiB' });
refuses('more uploads than the most', 'upload.concurrency', 9, MOST, { 'upload.maxConcurrency': 8 });
const PACKET_SIZE = 'must be at most packets.size (512 KiB): lower it or raise that';
refuses('a file in a packet that is larger than a packet', 'packets.maxFileSize', '1 MiB', PACKET_SIZE, {
  'packets.size': '512 KiB',
});
for (const [key, reason] of [
  ['packets/{date}.zip', 'must contain {digest}, once: without it, two packets could have one key'],
  ['{digest}{digest}', 'must contain {digest}, once: without it, two packets could have one key'],
  ['{date}{date}{digest}', 'must contain each field at most once'],
  ['{day}/{digest}', 'must have no braces but those of {date}, {time}, {host}, {group}, {digest}'],
  ['{digest', 'must have no braces but those of {date}, {time}, {host}, {group}, {digest}'],
  ['/{digest}', 'must not begin with /: type {digest}'],
  ['../{digest}', 'must not contain . or .. as a folder, such as camera-7/'],
  ['{digest}/', 'must not end with /'],
  ['', 'must be text with {digest} in it, such as packets/{date}-{digest}.zip'],
] as const)
  refuses(`the key of packets ${key}`, 'packets.key', key, reason);
refuses('a first wait above the longest', 'retry.initial', '1 h', LONGEST);

test('blames a default without a line when a value clashes with it', async () => {
  assert.deepEqual(await scratch.problemsOf(scratch.load(fileOf({ 's3.partSize': '100 MiB' }))), [
    'FILE: upload.maxMemory = "96 MiB": must hold one part: set it to 100 MiB or more, or lower s3.partSize',
  ]);
});

test('accepts what only looks like an impossible combination', async () => {
  await scratch.load(
    fileOf({ 's3.kmsKeyId': 'k', 's3.serverSideEncryption': 'aws:kms:dsse', 'upload.concurrency': 256 }),
  );
  await scratch.load(fileOf({ 'link.floor': '6 Mbit/s', 's3.partSize': '96 MiB', 'retry.initial': '5 min' }));
  await scratch.load(fileOf({ 'link.share': '5 %', 'link.floor': '5 %' }));
});
refuses(
  'a manifest in the spool',
  'manifest.path',
  '/var/spool/halfpipe/sub/m.jsonl',
  'must not be in the spool (/var/spool/halfpipe), where every file is uploaded and removed',
);
for (const path of ['manifest.jsonl', '/var/lib/halfpipe/', '/', '/var/lib/..', 5])
  refuses(
    `the manifest ${path}`,
    'manifest.path',
    path,
    'must be the absolute path of a file, such as /var/lib/halfpipe/manifest.jsonl',
  );
refuses(
  'less room for all manifest files than for two',
  'manifest.maxTotal',
  '100 MiB',
  'must be at least twice manifest.maxSize (64 MiB): raise it or lower that',
);
