// The S3 servers that halfpipe has to get along with: one of the project's own, and two that others wrote. What each
// can and cannot do differs; what becomes of a file must not.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Credentials } from '../support/built-daemon.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { Rgw } from './rgw.ts';
import { SwiftS3 } from './swift-s3.ts';

export interface Target extends Credentials {
  readonly endpoint: string;
  readonly bucket: string;
}

export interface ServerUnderTest {
  readonly name: string;
  /** What it lacks on this machine; false: nothing. */
  missing(): string | false;
  /** Pairs up with stop(). */
  start(): Promise<Target>;
  stop(): Promise<void>;
}

/** Honours If-None-Match, keeps SHA-256 checksums. */
export class EmbeddedS3 implements ServerUnderTest {
  readonly name = 'the embedded server';
  #directory = '';
  #server: S3Server | undefined;

  missing(): false {
    return false;
  }

  async start(): Promise<Target> {
    this.#directory = mkdtempSync(join(tmpdir(), 'halfpipe-s3-'));
    const keys = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'secret-of-this-test' };
    const options = { ...keys, directory: this.#directory, port: 0, buckets: ['inbox'] };
    this.#server = await startS3Server(options);
    return { ...keys, endpoint: this.#server.endpoint, bucket: 'inbox' };
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Honours If-None-Match, keeps no checksums, completes a multipart upload with an empty ETag. */
class CephRgw implements ServerUnderTest {
  readonly name = 'Ceph RGW';
  readonly #rgw = new Rgw({ port: 7510 });

  missing(): string | false {
    if (process.getuid?.() !== 0) return 'needs root';
    const lacking = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph'].filter(
      (command) => spawnSync('which', [command]).status !== 0,
    );
    const packages = 'radosgw ceph-mon ceph-osd ceph-common';
    return lacking.length > 0 && `needs ${lacking.join(', ')}: apt-get install ${packages}`;
  }

  async start(): Promise<Target> {
    this.#rgw.start();
    const { accessKeyId, secretAccessKey, bucket } = Rgw;
    return { accessKeyId, secretAccessKey, bucket, endpoint: `http://127.0.0.1:${this.#rgw.port}` };
  }

  async stop(): Promise<void> {
    this.#rgw.stop();
  }
}

/** Answers NotImplemented to a PUT with If-None-Match, ignores it when parts are completed, keeps no checksums. */
class OpenStackSwift implements ServerUnderTest {
  readonly name = 'OpenStack Swift';
  readonly #swift = new SwiftS3(7520);

  missing(): string | false {
    return SwiftS3.missing();
  }

  async start(): Promise<Target> {
    await this.#swift.start();
    const { accessKeyId, secretAccessKey, bucket } = SwiftS3;
    return { accessKeyId, secretAccessKey, bucket, endpoint: this.#swift.endpoint };
  }

  async stop(): Promise<void> {
    await this.#swift.stop();
  }
}

export const SERVERS: readonly ServerUnderTest[] = [new EmbeddedS3(), new CephRgw(), new OpenStackSwift()];
