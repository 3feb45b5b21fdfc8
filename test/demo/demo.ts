// One run of the demo: images into the spool, an S3 server, the real daemon, a look at both until the spool is empty,
// a summary, and then a file at a time. Invariant: whatever happens, what was started is stopped, in reverse order.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { errnoOf } from '../../src/system/fault.ts';
import { readableCount, readableNumber, readableSize } from '../../src/view/readable.ts';
import { countMatches } from './bucket-check.ts';
import { configText, DaemonProcess } from './daemon-process.ts';
import { DemoIngest } from './demo-ingest.ts';
import { DemoView } from './demo-view.ts';
import { LOOK_INTERVAL_MS, pause, watchDrain } from './drain-watch.ts';
import { ifFree } from './free-port.ts';
import { fillSpool, IMAGE_PREFIX, imageDigests, imageNames, makeImages } from './images.ts';
import { LinkRecorder } from './link-recorder.ts';
import { LogFollower } from './log-follower.ts';
import type { DemoOptions } from './options.ts';
import { S3Process } from './s3-process.ts';
import { renderSummary } from './summary.ts';

const BUCKET = 'demo';
/** For the embedded server alone: there is nothing to keep secret. */
const KEYS = { accessKeyId: 'HALFPIPE-DEMO', secretAccessKey: 'not-a-secret' };
/** Less than this is the noise of an idle loopback, and not halfpipe, whose floor is 1 Mbit/s. */
const IDLE_BELOW_BITS_PER_SEC = 500_000;

export class Demo {
  readonly #options: DemoOptions;
  readonly #signal: AbortSignal;
  readonly #view = new DemoView(process.stdout);
  readonly #main: string;
  readonly #var: string;
  readonly #spool: string;
  readonly #pool: string;
  /** Undefined unless the images come over HTTP. */
  readonly #ingest: DemoIngest | undefined;
  #daemon: DaemonProcess | undefined;

  /** `signal` ends the run in order, at any time. */
  constructor(root: string, options: DemoOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#main = join(root, 'dist', 'main.js');
    this.#var = join(root, 'var');
    this.#spool = join(this.#var, 'spool');
    this.#pool = join(this.#var, 'images');
    const images = { folder: this.#pool, names: imageNames(options.files) };
    this.#ingest = options.ingest ? new DemoIngest(this.#var, images) : undefined;
  }

  /** Resolves with the exit code; rejects with an Error whose message is for people. */
  async run(): Promise<number> {
    if (!existsSync(this.#main)) throw new Error('dist/main.js is missing: `npm start` builds it first');
    await this.#writable(() => mkdir(this.#var, { recursive: true }));
    // The server first: where another demo runs already, its port is taken and its spool is left alone.
    const s3Options = { directory: join(this.#var, 's3'), bucket: BUCKET, forgetPrefix: IMAGE_PREFIX };
    const s3 = await S3Process.start({ ...s3Options, ...KEYS, port: this.#options.port });
    try {
      await this.#writable(() => this.#fill());
      return await this.#withDaemon(s3.endpoint);
    } finally {
      await s3.stop();
    }
  }

  /** While stopping: uploads in flight are given up. */
  hurry(): void {
    this.#daemon?.hurry();
  }

  async #fill(): Promise<void> {
    const { files } = this.#options;
    const does = this.#ingest === undefined ? `filling ${this.#name(this.#spool)} with` : 'making';
    this.#view.say(`${does} ${readableCount(files)} images of about 100 kB …`);
    await makeImages(this.#pool, files, this.#signal);
    const alreadyThere = this.#ingest === undefined ? files : 0;
    await fillSpool(this.#pool, this.#spool, alreadyThere, this.#signal);
  }

  /** Says in one line why ./var cannot be used: a full disk, a folder of another user, a file in its place. */
  async #writable(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!(error instanceof Error) || errnoOf(error) === undefined) throw error;
      throw new Error(`cannot write below ${this.#var}: ${error.message}`, { cause: error });
    }
  }

  async #withDaemon(endpoint: string): Promise<number> {
    const config = join(this.#var, 'halfpipe.yaml');
    const log = join(this.#var, 'halfpipe.log');
    const pagePort = await ifFree(this.#options.port + 1);
    const more = this.#ingest === undefined ? [] : [this.#ingest.config];
    await writeFile(config, configText({ spool: this.#spool, endpoint, bucket: BUCKET, pagePort, more }));
    await this.#ingest?.makeToken(this.#main, config);
    const recorder = new LinkRecorder('lo');
    recorder.start();
    this.#daemon = DaemonProcess.start({
      ...KEYS,
      main: this.#main,
      config,
      log,
      env: this.#ingest?.env ?? {},
    });
    this.#view.say(
      `S3 at ${endpoint}; halfpipe reads ${this.#name(config)}, logs to ${this.#name(log)}; Ctrl-C ends all`,
    );
    if (pagePort !== undefined) this.#view.say(`the same in a browser: http://localhost:${pagePort}/`);
    let complete = false;
    let end = '';
    try {
      complete = await this.#firstRun(this.#daemon, recorder, endpoint);
      if (!this.#options.once) await this.#showUploads(this.#daemon, log);
    } finally {
      recorder.stop();
      this.#view.stop();
      await this.#ingest?.stop();
      end = await this.#daemon.stop();
    }
    this.#view.say(end === 'code 0' ? 'halfpipe stopped cleanly' : `halfpipe did not stop cleanly: ${end}`);
    return end === 'code 0' && (complete || !this.#options.once) ? 0 : 1;
  }

  /** Resolves with whether every image is in the bucket and out of the spool. */
  async #firstRun(daemon: DaemonProcess, recorder: LinkRecorder, endpoint: string): Promise<boolean> {
    const { files: images } = this.#options;
    const { view, signal } = { view: this.#view, signal: this.#signal };
    const watched = await watchDrain({
      ...this.#options,
      spool: this.#spool,
      daemon,
      view,
      haveAllArrived: (snapshot) => this.#ingest?.haveAllArrived(snapshot) ?? true,
      signal,
    });
    recorder.stop();
    this.#view.stop();
    if (watched === undefined) return false;
    const figures = recorder.figures(IDLE_BELOW_BITS_PER_SEC);
    const digests = await imageDigests(this.#pool, images);
    const matches = await countMatches({ ...KEYS, endpoint, bucket: BUCKET }, digests);
    const arrived = this.#ingest?.tally;
    this.#view.say(renderSummary({ snapshot: watched.snapshot, figures, images, matches, arrived }));
    return watched.drained && matches === images;
  }

  /** A line for each file that goes, until the signal. */
  async #showUploads(daemon: DaemonProcess, log: string): Promise<void> {
    if (this.#signal.aborted) return;
    const follower = new LogFollower(log);
    await follower.start();
    try {
      await follower.uploads();
      this.#view.say(`Drop a file into ${this.#name(this.#spool)} and see it go. Ctrl-C ends.`);
      if (this.#ingest !== undefined) this.#view.say(`Or send one: ${this.#curlLine(this.#ingest)}`);
      while (!this.#signal.aborted) {
        await daemon.checkAlive();
        for (const { event, file, bytes, durationMs } of await follower.uploads()) {
          const uploaded = `uploaded in ${readableNumber(durationMs / 1000)} s`;
          const how = event === 'uploaded' ? uploaded : 'was in the bucket already';
          this.#view.say(`${file}  ${readableSize(bytes)}  ${how}, verified, deleted`);
        }
        await pause(LOOK_INTERVAL_MS, this.#signal);
      }
    } finally {
      await follower.stop();
    }
  }

  #curlLine({ socketPath, tokenFile }: DemoIngest): string {
    const header = `-H "Authorization: Bearer $(cat ${this.#name(tokenFile)})"`;
    return `curl --unix-socket ${this.#name(socketPath)} ${header} -T FILE http://localhost/v1/files/`;
  }

  /** As people would type it here. */
  #name(path: string): string {
    return `./${relative(process.cwd(), path)}`;
  }
}
