// The tools under test: how each is told to move a spool to S3 at half the link, as its own manual has it.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startFlags } from '../support/start-flags.ts';
import { ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY } from './far-side.ts';
import { LINK_INTERFACE, onPath } from './link-testbed.ts';

export type ToolName = 'halfpipe' | 'packets' | 'rclone' | 'aws';

export interface Assignment {
  readonly spool: string;
  /** Where a tool's own files go. */
  readonly folder: string;
  readonly endpoint: string;
  readonly capacityBitsPerSec: number;
  readonly sharePercent: number;
  /** Transfers at once, where a tool wants to be told; undefined leaves its default. */
  readonly concurrency: number | undefined;
  /** The spool is empty at first: the tool waits for a file. */
  readonly waits: boolean;
  /** Where it takes files over HTTP; undefined: it does not. */
  readonly ingest: { readonly listen: string; readonly tokensFile: string } | undefined;
}

export interface Invocation {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface Tool {
  readonly name: ToolName;
  /** What to install or do; undefined when the tool is ready. */
  missing(): string | undefined;
  version(): string;
  invocation(assignment: Assignment): Invocation;
  /** For a tool that does not watch its spool: tells the waiting process that a file is there. */
  nudge?(assignment: Assignment): Invocation;
  /** Changes the share of a running process; absent where the tool cannot. */
  reload?(assignment: Assignment, pid: number): void;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** What every tool gets: the credentials, and nothing that keeps it from working. */
export function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // rclone 1.60 refuses S3 while AWS_CA_BUNDLE is set
  const { AWS_CA_BUNDLE: _, ...rest } = process.env;
  return {
    ...rest,
    AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
}

function bytesPerSec(assignment: Assignment): number {
  return (assignment.capacityBitsPerSec * assignment.sharePercent) / 800;
}

function firstLine(command: string, ...args: string[]): string {
  return spawnSync(command, args, { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
}

const halfpipe = (name: 'halfpipe' | 'packets'): Tool => ({
  name,
  missing: () => (existsSync(MAIN) ? undefined : 'dist/main.js is not there: npm run build'),
  version: () => `halfpipe ${firstLine(process.execPath, MAIN, '--version').replace(/^halfpipe /, '')}`,
  invocation(assignment) {
    const config = join(assignment.folder, 'halfpipe.yaml');
    writeConfig(config, assignment, name);
    const args = [...startFlags(), MAIN, 'run', '--config', config];
    return { command: process.execPath, args, env: environment({}) };
  },
  reload(assignment, pid) {
    writeConfig(join(assignment.folder, 'halfpipe.yaml'), assignment, name);
    process.kill(pid, 'SIGHUP');
  },
});

function writeConfig(path: string, assignment: Assignment, name: ToolName): void {
  const lines = [
    'spool:',
    `  path: ${assignment.spool}`,
    '  settle: 0 s',
    'link:',
    `  interface: ${LINK_INTERFACE}`,
    `  capacity: ${assignment.capacityBitsPerSec / 1e6} Mbit/s`,
    `  share: ${assignment.sharePercent} %`,
    's3:',
    `  bucket: ${BUCKET}`,
    `  endpoint: ${assignment.endpoint}`,
    '  region: us-east-1',
    '  forcePathStyle: true',
    ...(name === 'packets' ? ['packets:', '  enabled: true'] : []),
    ...(assignment.ingest === undefined ? [] : [`ingest: ${JSON.stringify(assignment.ingest)}`]),
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
}

const RCLONE_CONTROL = '127.0.0.1:5572';

const rclone: Tool = {
  name: 'rclone',
  missing: () => (onPath('rclone') ? undefined : 'apt-get install rclone'),
  version: () => firstLine('rclone', 'version'),
  invocation(assignment) {
    const { spool, concurrency, waits } = assignment;
    const limits = ['--bwlimit', `${bytesPerSec(assignment)}B`];
    const transfers = concurrency === undefined ? [] : ['--transfers', `${concurrency}`];
    const what = waits
      ? ['rcd', '--rc-no-auth', '--rc-addr', RCLONE_CONTROL]
      : ['move', spool, `:s3:${BUCKET}/spool`];
    return rcloneInvocation(assignment, [...what, ...limits, ...transfers]);
  },
  nudge(assignment) {
    const where = [`srcFs=${assignment.spool}`, `dstFs=:s3:${BUCKET}/spool`];
    return rcloneInvocation(assignment, ['rc', '--rc-addr', RCLONE_CONTROL, 'sync/move', ...where]);
  },
};

function rcloneInvocation(assignment: Assignment, args: readonly string[]): Invocation {
  const env = environment({
    RCLONE_CONFIG: join(assignment.folder, 'rclone.conf'),
    RCLONE_S3_PROVIDER: 'Ceph',
    RCLONE_S3_ENV_AUTH: 'true',
    RCLONE_S3_ENDPOINT: assignment.endpoint,
  });
  writeFileSync(join(assignment.folder, 'rclone.conf'), '');
  return { command: 'rclone', args, env };
}

const aws: Tool = {
  name: 'aws',
  missing: () => (onPath('aws') ? undefined : 'apt-get install awscli'),
  version: () => firstLine('aws', '--version').split(' ')[0]?.replace('/', ' ') ?? '',
  invocation(assignment) {
    const config = join(assignment.folder, 'aws-config');
    const lines = [
      '[default]',
      // Ceph 16 answers 411 to the trailing checksums that are the default
      'request_checksum_calculation = when_required',
      's3 =',
      '  addressing_style = path',
      `  max_bandwidth = ${Math.floor(bytesPerSec(assignment) / 1024)}KB/s`,
      ...(assignment.concurrency === undefined
        ? []
        : [`  max_concurrent_requests = ${assignment.concurrency}`]),
    ];
    writeFileSync(config, `${lines.join('\n')}\n`);
    const where = [assignment.spool, `s3://${BUCKET}/spool`];
    const args = [
      '--endpoint-url',
      assignment.endpoint,
      's3',
      'mv',
      '--recursive',
      '--only-show-errors',
      ...where,
    ];
    return { command: 'aws', args, env: environment({ AWS_CONFIG_FILE: config }) };
  },
};

/** `packets` is halfpipe with `packets.enabled`. */
export const TOOLS: readonly Tool[] = [halfpipe('halfpipe'), halfpipe('packets'), rclone, aws];
