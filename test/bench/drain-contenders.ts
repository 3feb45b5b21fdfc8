// What npm run bench:drain compares: builds of halfpipe, rclone and the AWS CLI, none of them limited, each as its manual
// advises for speed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUCKET } from './far-side.ts';
import { onPath } from './link-testbed.ts';
import { environment, type Invocation } from './tools.ts';

export interface Job {
  readonly spool: string;
  /** Where a tool's own files go. */
  readonly folder: string;
  readonly endpoint: string;
  /** Where in the bucket; a new one for each drain. */
  readonly prefix: string;
  /** A certificate to trust; undefined without TLS. */
  readonly certificate: string | undefined;
}

export interface Contender {
  readonly name: string;
  /** What to install or do; undefined when it is ready. */
  missing(): string | undefined;
  version(): string;
  /** Starts a tool that ends when the spool is empty, or one that has to be ended. */
  readonly ends: boolean;
  /** Sends many files as one object. */
  readonly packs: boolean;
  invocation(job: Job): Invocation;
}

const OWN_DIST = fileURLToPath(new URL('../../dist', import.meta.url));
/** More than this machine's loopback carries: nothing waits for its turn. */
const CAPACITY = '1000 Gbit/s';

/** `dist` is a folder that `npm run compile` has made, in a checkout with its node_modules. */
export function halfpipe(name = 'halfpipe', dist = OWN_DIST, packs = false): Contender {
  const main = join(resolve(dist), 'main.js');
  return {
    ...{ name, packs, ends: false },
    missing: () => (existsSync(main) ? undefined : `${main} is not there: npm run build`),
    version: () => `${name} ${printed(process.execPath, main, '--version').replace(/^halfpipe /, '')}`,
    invocation({ spool, folder, endpoint, prefix, certificate }) {
      const config = join(folder, 'halfpipe.json');
      const s3 = { bucket: BUCKET, endpoint, region: 'us-east-1', forcePathStyle: true, prefix };
      const link = { interface: 'lo', capacity: CAPACITY, share: '100 %' };
      const packets = { enabled: packs, maxDelay: '1 s' };
      writeFileSync(config, JSON.stringify({ spool: { path: spool, settle: '0 s' }, link, s3, packets }));
      const trust = certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate };
      // As in the unit.
      const env = environment({ UV_THREADPOOL_SIZE: '24', MALLOC_ARENA_MAX: '2', ...trust });
      return { command: process.execPath, args: [...flagsOf(main), main, 'run', '--config', config], env };
    },
  };
}

/** The flags in the first line of a build, which may be older than these sources. */
function flagsOf(main: string): string[] {
  const [line = ''] = readFileSync(main, 'utf8').split('\n');
  return (/ node (.+)$/.exec(line)?.[1] ?? '').split(' ').filter(Boolean);
}

/** `more` are further flags. */
export function rclone(name: string, more: readonly string[]): Contender {
  return {
    ...{ name, ends: true, packs: false },
    missing: () => (onPath('rclone') ? undefined : 'apt-get install rclone'),
    version: () => `${printed('rclone', 'version')}${more.map((flag) => ` ${flag}`).join('')}`,
    invocation({ spool, folder, endpoint, prefix, certificate }) {
      const env = environment({
        RCLONE_CONFIG: join(folder, 'rclone.conf'),
        RCLONE_S3_PROVIDER: 'Ceph',
        RCLONE_S3_ENV_AUTH: 'true',
        RCLONE_S3_ENDPOINT: endpoint,
      });
      writeFileSync(join(folder, 'rclone.conf'), '');
      const trust = certificate === undefined ? [] : ['--ca-cert', certificate];
      return { command: 'rclone', args: ['move', spool, `:s3:${BUCKET}/${prefix}`, ...trust, ...more], env };
    },
  };
}

const aws: Contender = {
  ...{ name: 'aws', ends: true, packs: false },
  missing: () => (onPath('aws') ? undefined : 'apt-get install awscli'),
  version: () => printed('aws', '--version').split(' ')[0]?.replace('/', ' ') ?? '',
  invocation({ spool, folder, endpoint, prefix, certificate }) {
    const config = join(folder, 'aws-config');
    const lines = [
      '[default]',
      'request_checksum_calculation = when_required',
      ...['s3 =', '  addressing_style = path'],
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const trust = certificate === undefined ? [] : ['--ca-bundle', certificate];
    const move = ['s3', 'mv', '--recursive', '--only-show-errors', spool, `s3://${BUCKET}/${prefix}`];
    const args = ['--endpoint-url', endpoint, ...trust, ...move];
    return { command: 'aws', args, env: environment({ AWS_CONFIG_FILE: config }) };
  },
};

function printed(command: string, ...args: string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

/**
 * `rclone` is the fastest of the settings that were tried. It asks neither whether the bucket is there nor, after each
 * upload, for what it has just stored: the MD5 in the answer it compares all the same. `--no-traverse` costs a request a
 * file. The others are tried again by name.
 */
const LEAN = ['--s3-no-check-bucket', '--s3-no-head'];
export const OTHERS: readonly Contender[] = [
  halfpipe('packets', OWN_DIST, true),
  rclone('rclone', ['--transfers', '32', ...LEAN]),
  aws,
  rclone('rclone-default', []),
  rclone('rclone-4', LEAN),
  rclone('rclone-16', ['--transfers', '16', ...LEAN]),
  rclone('rclone-checkers', ['--transfers', '32', '--checkers', '32', ...LEAN]),
  rclone('rclone-head', ['--transfers', '32', '--s3-no-check-bucket']),
  rclone('rclone-no-traverse', ['--transfers', '32', '--no-traverse', ...LEAN]),
  rclone('rclone-parts', ['--transfers', '32', '--s3-chunk-size', '16M', ...LEAN]),
];
