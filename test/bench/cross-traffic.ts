// The others on the link: iperf3 from `near` to `sink`, past the S3 server, beside the tool under test.
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LinkTestbed, SINK_ADDRESS } from './link-testbed.ts';

/** UDP at a share of the link as its NIC counts it, or TCP that takes what it can get. */
export type Flow = { readonly udpPercent: number } | 'greedy TCP';

/** When the others send, in milliseconds after the measured span begins. */
export interface CrossSpan {
  readonly fromMs: number;
  readonly toMs: number;
  readonly flow: Flow;
}

const DATAGRAM_BYTES = 1448;
// what the NIC counts beside each datagram: UDP 8 + IPv4 20 + Ethernet 14
const FRAME_BYTES = DATAGRAM_BYTES + 42;

export class CrossTraffic {
  readonly #testbed: LinkTestbed;
  #server: ChildProcess | undefined;

  constructor(testbed: LinkTestbed) {
    this.#testbed = testbed;
  }

  async start(): Promise<void> {
    this.#server = this.#testbed.spawn('sink', 'iperf3', ['--server'], { stdio: 'ignore' });
    // it says nothing when it is ready
    await sleep(300);
  }

  stop(): void {
    this.#server?.kill();
  }

  /** Sends through the spans, one after the other, `fromNowMs` being when the measured span begins. */
  async play(spans: readonly CrossSpan[], rateBitsPerSec: number, signal: AbortSignal): Promise<void> {
    const zeroMs = performance.now();
    for (const span of spans) {
      await sleep(Math.max(0, zeroMs + span.fromMs - performance.now()), undefined, { signal });
      const seconds = `${(span.toMs - span.fromMs) / 1000}`;
      const args = ['--client', SINK_ADDRESS, '--time', seconds, ...flowArguments(span.flow, rateBitsPerSec)];
      const client = this.#testbed.spawn('near', 'iperf3', args, { stdio: 'ignore' });
      const killed = () => client.kill();
      signal.addEventListener('abort', killed, { once: true });
      const code = await new Promise((resolve) => client.once('exit', resolve));
      signal.removeEventListener('abort', killed);
      if (code !== 0 && !signal.aborted) throw new Error(`iperf3 ${args.join(' ')} ended with ${code}`);
    }
  }
}

function flowArguments(flow: Flow, rateBitsPerSec: number): string[] {
  if (flow === 'greedy TCP') return [];
  const payloadBitsPerSec = (rateBitsPerSec * flow.udpPercent * DATAGRAM_BYTES) / FRAME_BYTES / 100;
  return ['--udp', '--length', `${DATAGRAM_BYTES}`, '--bitrate', `${Math.round(payloadBitsPerSec)}`];
}
