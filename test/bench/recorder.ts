// Holds what a nic-recorder inside a host has read so far.
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Host, LinkTestbed } from './link-testbed.ts';
import { type CounterSample, LinkLoad } from './link-windows.ts';

/** Milliseconds on the clock that every process of the machine shares. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** How to run a TypeScript file of this folder in a process of its own. */
export function scriptCommand(name: string): string[] {
  const loader = import.meta.resolve('tsx');
  return [process.execPath, '--import', loader, fileURLToPath(new URL(name, import.meta.url))];
}

export class Recorder {
  readonly #samples: CounterSample[] = [];
  #process: ChildProcess | undefined;

  /** Resolves when the first readings are in. */
  async start(testbed: LinkTestbed, host: Host, networkInterface: string): Promise<void> {
    const [command = '', ...args] = scriptCommand('nic-recorder.ts');
    const child = testbed.spawn(host, command, [...args, networkInterface], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#process = child;
    if (child.stdout === null) throw new Error('the recorder has no output');
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) =>
        reject(new Error(`the recorder of ${networkInterface} ended with ${code}`)),
      );
      lines.on('line', (line) => {
        const [atMs, bytes] = line.split(' ').map(Number);
        if (atMs !== undefined && bytes !== undefined) this.#samples.push({ atMs, bytes });
        if (this.#samples.length === 2) resolve();
      });
    });
  }

  /** The load up to now, as a share of the given capacity. */
  load(capacityBitsPerSec: number): LinkLoad {
    return new LinkLoad(this.#samples, capacityBitsPerSec);
  }

  stop(): void {
    this.#process?.kill();
  }
}
