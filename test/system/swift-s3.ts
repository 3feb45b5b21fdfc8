// An OpenStack Swift with its S3 API for one test: served by swift-s3.py, a second S3 server that nobody of halfpipe's
// authors had a hand in.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';

const SCRIPT = fileURLToPath(new URL('swift-s3.py', import.meta.url));
/** Debian's, which its packages are for. */
const PYTHON = '/usr/bin/python3';
const ATTEMPTS = 100;

/** start() and stop() pair up; stop() may be called twice and never throws. */
export class SwiftS3 {
  static readonly bucket = 'halfpipe';
  static readonly accessKeyId = 'test:tester';
  static readonly secretAccessKey = 'testing';
  readonly #port: number;
  #folder: string | undefined;
  #process: ChildProcess | undefined;
  #output = '';

  /** Takes `port` and the three after it. */
  constructor(port: number) {
    this.#port = port;
  }

  /** What it lacks here; false: nothing. */
  static missing(): string | false {
    const { status } = spawnSync(PYTHON, ['-c', 'import swift.common.wsgi'], { stdio: 'ignore' });
    return status !== 0 && 'needs OpenStack Swift: apt-get install python3-swift';
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when the bucket has been made, some 3 s later. Rejects with what the servers said. */
  async start(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'halfpipe-swift-'));
    const child = spawn(PYTHON, [SCRIPT, this.#folder, String(this.#port)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        this.#output += chunk;
      });
    const { accessKeyId, secretAccessKey, bucket } = SwiftS3;
    const client = new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
    });
    try {
      for (let attempt = 1; ; attempt += 1) {
        const refused = await client.send(new CreateBucketCommand({ Bucket: bucket })).then(
          () => undefined,
          (error: Error) => error,
        );
        if (refused === undefined) return;
        if (attempt === ATTEMPTS || child.exitCode !== null)
          throw new Error(`Swift makes no bucket: ${this.#output}`, { cause: refused });
        await delay(100);
      }
    } finally {
      client.destroy();
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null) {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}
