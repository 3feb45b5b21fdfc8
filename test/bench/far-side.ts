// What stands at the far end of the link: an S3 server, and before it a delay proxy where a scenario asks for a
// round-trip time.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Rgw } from '../system/rgw.ts';
import { FAR_ADDRESS, type LinkTestbed } from './link-testbed.ts';
import type { ServerStats } from './null-s3.ts';
import { scriptCommand } from './recorder.ts';

export type ServerKind = 'null' | 'rgw';
export const BUCKET = Rgw.bucket;
export const ACCESS_KEY_ID = Rgw.accessKeyId;
export const SECRET_ACCESS_KEY = Rgw.secretAccessKey;

const SERVER_PORT = 9000;
const PROXY_PORT = 9001;

export class FarSide {
  readonly #testbed: LinkTestbed;
  readonly #kind: ServerKind;
  readonly #folder: string;
  #server: ChildProcess | undefined;
  #proxy: ChildProcess | undefined;
  #rgw: Rgw | undefined;

  /** `folder` is where Ceph keeps its own. */
  constructor(testbed: LinkTestbed, kind: ServerKind, folder: string) {
    this.#testbed = testbed;
    this.#folder = folder;
    this.#kind = kind;
  }

  /**
   * Returns the endpoint for clients on the near host, once it answers. The null server hangs up on connections whose
   * headers do not come for `headersMs`.
   */
  async start(roundTripMs: number, headersMs = 60_000): Promise<string> {
    if (this.#kind === 'rgw') {
      // kept from one scenario to the next: it takes 12 s to come up
      if (this.#rgw === undefined) {
        this.#rgw = new Rgw({
          port: SERVER_PORT,
          namespace: this.#testbed.namespace('far'),
          parent: this.#folder,
        });
        this.#rgw.start();
      }
    } else {
      this.#server = await this.#script('null-s3.ts', `${SERVER_PORT}`, `${headersMs}`);
    }
    if (roundTripMs === 0) return `http://${FAR_ADDRESS}:${SERVER_PORT}`;
    this.#proxy = await this.#script('delay-proxy.ts', `${roundTripMs}`, `${PROXY_PORT}`, `${SERVER_PORT}`);
    return `http://${FAR_ADDRESS}:${PROXY_PORT}`;
  }

  /** Undefined of Ceph. */
  get serverPid(): number | undefined {
    return this.#server?.pid;
  }

  /** What the null server has seen since start(); undefined of Ceph, which does not say. */
  async stats(): Promise<ServerStats | undefined> {
    if (this.#server === undefined) return undefined;
    this.#server.send('stats');
    const [stats] = (await once(this.#server, 'message')) as [ServerStats];
    return stats;
  }

  /** Ends the null server and the proxy: the next start() begins with an empty bucket. */
  stop(): void {
    this.#server?.kill();
    this.#proxy?.kill();
    this.#server = undefined;
    this.#proxy = undefined;
  }

  /** Ends Ceph as well. */
  close(): void {
    this.stop();
    this.#rgw?.stop();
    this.#rgw = undefined;
  }

  async #script(name: string, ...more: string[]): Promise<ChildProcess> {
    const [command = '', ...args] = scriptCommand(name);
    const child = this.#testbed.spawn('far', command, [...args, ...more], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    if (child.stdout === null) throw new Error(`${name} has no output`);
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${name} ended with ${code}`);
    });
    await Promise.race([once(child.stdout, 'data'), ended]);
    // from here on stop() ends it
    ended.catch(() => undefined);
    return child;
  }
}
