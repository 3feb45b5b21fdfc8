import assert from 'node:assert/strict';
import test from 'node:test';
import { parse } from 'yaml';
import { namedValues } from '../../src/config/changes.ts';
import { optionByKey } from '../../src/config/schema.ts';
import { toSettings } from '../../src/config/to-settings.ts';
import { readService } from '../../src/system/service.ts';

const defaults = toSettings((key) => (key === 's3.bucket' ? 'my-bucket' : optionByKey.get(key)?.default));

test('every option has its place in the settings, and every setting its option', () => {
  assert.deepEqual(
    namedValues(defaults).map(([key]) => key),
    [...optionByKey.keys()],
  );
});

test('the defaults are those the documentation promises', () => {
  assert.deepEqual(defaults, {
    spool: {
      path: '/var/spool/halfpipe',
      settleMs: 2000,
      ignore: ['.*', '*~', '*.tmp', '*.part', '*.partial', '*.crdownload', '*.filepart', '*.swp'],
      rescanMs: 30_000,
      order: 'oldest-first',
      maxIndexed: 200_000,
      pruneEmptyDirs: false,
    },
    link: {
      interface: 'auto',
      capacityBitsPerSec: 'auto',
      counter: undefined,
      share: 0.5,
      timetable: [],
      floor: { share: 0.01 },
      sampleIntervalMs: 50,
    },
    s3: {
      bucket: 'my-bucket',
      prefix: '',
      region: undefined,
      endpoint: undefined,
      forcePathStyle: false,
      storageClass: undefined,
      serverSideEncryption: undefined,
      kmsKeyId: undefined,
      acl: undefined,
      requestPayer: false,
      expectedBucketOwner: undefined,
      conflict: 'keep-both',
      partSizeBytes: 8 * 1024 * 1024,
      metadata: {},
      tags: {},
    },
    upload: {
      concurrency: 'auto',
      maxConcurrency: 256,
      maxMemoryBytes: 96 * 1024 * 1024,
      deadlineMs: 900_000,
      idleTimeoutMs: 60_000,
      connectTimeoutMs: 10_000,
      stopTimeoutMs: 20_000,
    },
    packets: {
      enabled: false,
      match: ['*'],
      maxFileSizeBytes: 1024 * 1024,
      sizeBytes: 16 * 1024 * 1024,
      maxFiles: 10_000,
      maxDelayMs: 30_000,
      groupBy: 'none',
      compress: 'auto',
      key: 'packets/{group}/{date}T{time}Z-{host}-{digest}.zip',
    },
    retry: { initialMs: 1000, maxMs: 300_000, maxAttempts: 10, probeMs: 15_000 },
    observe: { listen: undefined, tokenFile: undefined, hosts: [] },
    manifest: {
      path: undefined,
      maxSizeBytes: 64 * 1024 * 1024,
      keepMs: 90 * 86_400_000,
      maxTotalBytes: 10 * 1024 ** 3,
    },
    ingest: {
      listen: undefined,
      tokensFile: undefined,
      tls: undefined,
      maxFileSizeBytes: 2 ** 30,
      maxConcurrent: 128,
      minFreeSpaceBytes: 256 * 2 ** 20,
      backlogLimit: undefined,
    },
    log: { level: 'info', format: 'auto' },
    proxies: { http: undefined, https: undefined, none: '' },
    service: readService({}),
  });
});

test('environment variables are named after their keys', () => {
  assert.equal(optionByKey.get('spool.path')?.env, 'HALFPIPE_SPOOL_PATH');
  assert.equal(optionByKey.get('spool.pruneEmptyDirs')?.env, 'HALFPIPE_SPOOL_PRUNE_EMPTY_DIRS');
  assert.equal(optionByKey.get('s3.kmsKeyId')?.env, 'HALFPIPE_S3_KMS_KEY_ID');
});

test('only the spool and the log format need a restart', () => {
  const needRestart = [...optionByKey.values()].filter((option) => !option.live).map((option) => option.key);
  assert.deepEqual(needRestart, ['spool.path', 'log.format']);
});

test('every example of an option is one it accepts', () => {
  for (const { key, accepts, example } of optionByKey.values()) {
    if (example === undefined) continue;
    const written = /^[{[]/.test(example) ? parse(example, { mapAsMap: true }) : example;
    assert.doesNotThrow(() => accepts(written), key);
  }
});
