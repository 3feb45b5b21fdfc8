// Starts the embedded S3 server as a child and stops it. It ends with this process even when nobody calls stop().
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { S3ChildAnswer, S3ChildOptions } from './s3-child.ts';

export class S3Process {
  readonly endpoint: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, endpoint: string) {
    this.#child = child;
    this.endpoint = endpoint;
  }

  /** Rejects with a line for people when the server cannot start, such as on a taken port. */
  static async start(options: S3ChildOptions): Promise<S3Process> {
    // A process group of its own: the terminal's Ctrl-C reaches this process alone, which stops the others in order.
    const child = fork(new URL('./s3-child.ts', import.meta.url), {
      detached: true,
    });
    child.send(options);
    const answer = await new Promise<S3ChildAnswer>((resolve) => {
      child.once('message', (message) => resolve(message as S3ChildAnswer));
      child.once('exit', (code) => resolve({ failed: `the S3 server ended with code ${code}` }));
    });
    if ('failed' in answer) throw new Error(answer.failed);
    return new S3Process(child, answer.ready);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
