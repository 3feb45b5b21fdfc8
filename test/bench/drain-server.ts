// The servers that npm run bench:drain uploads to, on loopback: one that discards, with and without TLS, and Ceph's gateway.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { certificateFor } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { Rgw } from '../system/rgw.ts';
import type { Discarded } from './discard-s3.ts';
import { monotonicMs, scriptCommand } from './recorder.ts';

export type ServerKind = 'null' | 'null-tls' | 'rgw';

export interface Beginning {
  readonly atMs: number;
  readonly serverCpuSec: number | undefined;
}

export interface DrainServer {
  readonly endpoint: string;
  readonly certificate: string | undefined;
  /** CPU seconds are undefined of a server that does not say. */
  stats(): Promise<{
    readonly objects: number;
    readonly requests: number | undefined;
    readonly bytes: number | undefined;
    readonly cpuSeconds: number | undefined;
    readonly firstUploadMs: number | undefined;
  }>;
  /** Since the server started; of Ceph, which does not say, what is gone from the spool. */
  objects(spool: string, count: number): Promise<number>;
  /** The first upload, or any first request. */
  begins(atUpload: boolean, spool: string): Promise<Beginning>;
  stop(): void;
}

/** A new one for each drain: its bucket is empty. `roundTripMs`: see delay-proxy.ts. */
export async function discardServer(withTls: boolean, roundTripMs = 0): Promise<DrainServer> {
  const undoings: (() => void)[] = [];
  const certificate = withTls
    ? certificateFor({ after: (undo) => undoings.push(undo as () => void) }, ['localhost', '127.0.0.1'])
    : undefined;
  const files =
    certificate === undefined ? [] : [certificate.file.replace('cert.pem', 'key.pem'), certificate.file];
  const [command = '', ...args] = scriptCommand('discard-s3.ts');
  const child = spawn(command, [...args, ...files], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  const [serverPort] = await once(child.stdout ?? child, 'data');
  const port = roundTripMs === 0 ? serverPort : await delayed(roundTripMs, Number(serverPort), undoings);
  const stats = async () => {
    child.send('stats');
    return nextMessage(child);
  };
  return {
    endpoint: `${withTls ? 'https' : 'http'}://127.0.0.1:${Number(port)}`,
    certificate: certificate?.file,
    stats,
    objects: async () => (await stats()).objects,
    async begins(atUpload) {
      for (;;) {
        const { firstRequestMs, firstUploadMs, cpuSeconds } = await nextMessage(child);
        const atMs = atUpload ? firstUploadMs : firstRequestMs;
        if (atMs !== undefined) return { atMs, serverCpuSec: cpuSeconds };
      }
    },
    stop() {
      child.kill();
      for (const undo of undoings) undo();
    },
  };
}

async function delayed(roundTripMs: number, serverPort: number, undoings: (() => void)[]): Promise<number> {
  const port = await freePort();
  const [command = '', ...args] = scriptCommand('delay-proxy.ts');
  const proxy = spawn(command, [...args, `${roundTripMs}`, `${port}`, `${serverPort}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  undoings.push(() => proxy.kill());
  await once(proxy.stdout, 'data');
  return port;
}

async function nextMessage(child: ChildProcess): Promise<Discarded> {
  const [message] = await once(child, 'message');
  return message;
}

/** Blocks for about 12 s. The first upload is seen when the first file is gone. */
export function rgwServer(parent: string): DrainServer {
  const rgw = new Rgw({ parent });
  rgw.start();
  return {
    endpoint: `http://127.0.0.1:${rgw.port}`,
    certificate: undefined,
    stats: async () => ({
      ...{ objects: 0, requests: undefined, bytes: undefined },
      ...{ cpuSeconds: undefined, firstUploadMs: undefined },
    }),
    objects: async (spool, count) => count - filesIn(spool),
    async begins(_, spool) {
      for (const count = filesIn(spool); filesIn(spool) === count; ) await sleep(20);
      return { atMs: monotonicMs(), serverCpuSec: undefined };
    },
    stop: () => rgw.stop(),
  };
}

export function filesIn(spool: string): number {
  return readdirSync(spool).filter((name) => !name.startsWith('.')).length;
}
