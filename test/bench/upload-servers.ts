// The servers that the bench of ingest uploads to: the built daemon, and nginx as Debian ships it.
// Each keeps its log in a file, as it does by default.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { startFlags } from '../support/start-flags.ts';
import { ACCESS_KEY_ID, BUCKET, SECRET_ACCESS_KEY } from './far-side.ts';
import { onPath } from './link-testbed.ts';

export type ServerName = 'halfpipe' | 'nginx';

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  /** Where the files arrive. */
  readonly spool: string;
  /** Begins the path of a file in a request. */
  readonly path: string;
  /** A header field with its end of line; empty for none. */
  readonly authorization: string;
  stop(): Promise<void>;
}

export interface UploadServer {
  readonly name: ServerName;
  /** What to install or do; undefined when it is ready. */
  missing(): string | undefined;
  version(): string;
  /** Resolves when it answers; everything of it is below `folder`. */
  start(folder: string): Promise<RunningServer>;
}

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const PATIENCE_MS = 20_000;
const ENVIRONMENT = {
  ...process.env,
  // As in the unit.
  UV_THREADPOOL_SIZE: '24',
  AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
  AWS_SECRET_ACCESS_KEY: SECRET_ACCESS_KEY,
  AWS_EC2_METADATA_DISABLED: 'true',
};

/** A command of halfpipe's own; returns what it printed. */
function halfpipeCommand(config: string, ...words: string[]): string {
  const args = [...startFlags(), MAIN, ...words, '--config', config];
  return execFileSync(process.execPath, args, {
    ...{ encoding: 'utf8', env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] },
  }).trim();
}

/** Makes a token and returns the header field that carries it. */
export function authorizationFor(config: string): string {
  return `Authorization: Bearer ${halfpipeCommand(config, 'token', 'add', 'bench')}\r\n`;
}

/** The daemon with its drain paused by an order: what is measured is ingest alone. */
export function halfpipe(limits: Readonly<Record<string, unknown>> = {}): UploadServer {
  return {
    name: 'halfpipe',
    missing: () => undefined,
    version: () => execFileSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).trim(),
    async start(folder) {
      const [spool, config, port] = [join(folder, 'spool'), join(folder, 'halfpipe.json'), await freePort()];
      mkdirSync(spool, { recursive: true });
      const settings = {
        spool: { path: spool, settle: '0 s' },
        link: { interface: 'lo', capacity: '1 Gbit/s' },
        s3: { bucket: BUCKET, endpoint: 'http://127.0.0.1:9', region: 'us-east-1', forcePathStyle: true },
        ingest: { listen: port, tokensFile: join(folder, 'tokens.json'), ...limits },
        log: { format: 'json' },
      };
      writeFileSync(config, JSON.stringify(settings));
      const authorization = authorizationFor(config);
      const args = [...startFlags(), MAIN, 'run', '--config', config];
      const child = await launch(process.execPath, args, join(folder, 'log'), port);
      halfpipeCommand(config, 'pause');
      return { ...running(child, port, spool), path: '/v1/files/', authorization };
    },
  };
}

export const nginx: UploadServer = {
  name: 'nginx',
  missing: () => (onPath('nginx') ? undefined : 'apt-get install nginx-light'),
  version: () => execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).replace(/.*: /, '').trim(),
  async start(folder) {
    const [spool, config, port] = [join(folder, 'spool'), join(folder, 'nginx.conf'), await freePort()];
    for (const one of [spool, join(folder, 'temp')]) mkdirSync(one, { recursive: true });
    // Where the body is received must be on the same file system: it is renamed from there.
    const lines = `
      daemon off; user root; worker_processes 2; pid ${folder}/pid; error_log ${folder}/log;
      events {}
      http {
        access_log ${folder}/access; client_body_temp_path ${folder}/temp; client_max_body_size 1g;
        server {
          listen 127.0.0.1:${port}; root ${spool};
          location / { dav_methods PUT; create_full_put_path on; }
        }
      }`;
    writeFileSync(config, lines);
    const child = await launch('nginx', ['-c', config, '-e', join(folder, 'log')], join(folder, 'out'), port);
    return { ...running(child, port, spool), path: '/', authorization: '' };
  },
};

async function launch(
  command: string,
  args: readonly string[],
  log: string,
  port: number,
): Promise<ChildProcess> {
  const output = openSync(log, 'w');
  const child = spawn(command, args, { env: ENVIRONMENT, stdio: ['ignore', output, output] });
  closeSync(output);
  for (const endMs = performance.now() + PATIENCE_MS; !(await listens(port)); await delay(50))
    if (performance.now() > endMs || child.exitCode !== null)
      throw new Error(`${command} does not listen: see ${log}`);
  return child;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function running(child: ChildProcess, port: number, spool: string) {
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const gone = await Promise.race([exited.then(() => true), delay(5_000, false)]);
    if (gone) return;
    child.kill('SIGKILL');
    await exited;
  };
  return { pid: child.pid ?? 0, port, spool, stop };
}
