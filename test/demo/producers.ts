// The demo's producers: a child that sends the images over HTTP, and what it has told so far.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ProducerAnswer, ProducerOptions, ProducerTally } from './producer-child.ts';

const NONE: ProducerTally = { accepted: 0, same: 0, refused: {}, elapsedMs: 0 };

export class ProducerProcess {
  readonly #child: ChildProcess;
  #tally = NONE;
  #isDone = false;
  #failure: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: ProducerAnswer) => {
      if ('failed' in answer) this.#failure = answer.failed;
      else ({ tally: this.#tally, isDone: this.#isDone } = answer);
    });
    child.once('exit', (code) => {
      if (!this.#isDone) this.#failure ??= `the producers ended with code ${code}`;
    });
  }

  static start(options: ProducerOptions): ProducerProcess {
    // Its own process group, as for the S3 server.
    const child = fork(new URL('./producer-child.ts', import.meta.url), { detached: true });
    child.send(options);
    return new ProducerProcess(child);
  }

  get tally(): ProducerTally {
    return this.#tally;
  }

  /** Whether all files have been acknowledged. Throws when one never will be. */
  get isDone(): boolean {
    if (this.#failure !== undefined) throw new Error(`sending over HTTP failed: ${this.#failure}`);
    return this.#isDone;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || !this.#child.connected) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
