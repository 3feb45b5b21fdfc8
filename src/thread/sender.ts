// The main thread's side of the sending thread.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PageCounter } from '../link/page-counter.ts';
import { Uplink, type UplinkPorts } from '../link/uplink.ts';
import type { UplinkIdentity, UplinkOptions } from '../link/uplink-identity.ts';
import type { PaceView } from '../pace/governor.ts';
import type { Allowance } from '../pace/link-rates.ts';
import type { ShaperActivity } from '../pace/shaper.ts';
import { type SlowLine, SlowLineFinder } from '../pace/slow-line.ts';
import { BusyShare } from '../system/busy-share.ts';
import type { Clock } from '../system/clock.ts';
import type { Fault } from '../system/fault.ts';
import type { RequestHandler } from '../transport/http-request.ts';
import type { HandlerOptions } from '../transport/request-watch.ts';
import type { WayOutOptions } from '../transport/way-out.ts';
import type { Notice, Order } from './messages.ts';
import { Outbox } from './outbox.ts';
import { RemoteRequests, type RequestProgress } from './remote-requests.ts';

export interface SendingOptions {
  readonly uplink: UplinkOptions;
  readonly allowance: Allowance;
  readonly sampleIntervalMs: number;
  /** How requests leave, for handlers that are created from then on. */
  readonly wayOut: WayOutOptions;
}

export interface SenderPorts extends Omit<UplinkPorts, 'onChange'> {
  /** The first link, or another one. */
  onLink(): void;
  /**
   * At most ten times a second: what was sent since the last time, and how it waited. `busyShare`:
   * how busy the busier thread was, 0 to 1.
   */
  onActivity(activity: ShaperActivity, elapsedMs: number, busyShare: number): void;
  /** A connection shows signs of life. */
  onAlive(): void;
}

const THREAD = new URL(`./sender-thread${extname(import.meta.url)}`, import.meta.url);
/**
 * Starts the sending thread, where the link is measured and every byte leaves. So reading, scanning
 * and signing, and the garbage they make, never delay a slice.
 * If the thread breaks down, the process ends by an uncaught error, and systemd restarts it.
 */
export class Sender {
  readonly #ports: SenderPorts;
  readonly #worker: Worker;
  readonly #orders: Outbox<Order>;
  readonly #requests = new RemoteRequests((order, moved) => this.#send(order, moved));
  readonly #busy: BusyShare;
  readonly #clock: Clock;
  readonly #uplink: Uplink;
  #options: SendingOptions;
  #page: PageCounter | undefined;
  readonly #slowLine = new SlowLineFinder();
  #pace: PaceView | undefined;
  #handlers = 0;
  #isConfigured = false;
  /** Orders that came before there was a link. */
  #held: [order: Order, moved: ArrayBuffer | undefined][] = [];
  #stopping = false;

  /** Starts the thread. Nothing is sent before start() has found the link. */
  constructor(clock: Clock, options: SendingOptions, ports: SenderPorts) {
    this.#clock = clock;
    this.#options = options;
    this.#ports = ports;
    this.#uplink = new Uplink(clock, options.uplink, {
      ...ports,
      onChange: (identity) => this.#follow(identity),
    });
    this.#worker = new Worker(THREAD, { name: 'halfpipe sender' });
    this.#orders = new Outbox(clock, (orders, moved) => this.#worker.postMessage(orders, moved));
    this.#busy = new BusyShare(this.#worker);
    this.#worker.on('message', (notices: readonly Notice[]) => {
      for (const notice of notices) this.#receive(notice);
    });
    // Not caught: without this thread nothing can be done, and systemd starts us again.
    this.#worker.on('error', (cause) => {
      throw new Error('the sending thread broke down', { cause });
    });
    this.#worker.on('exit', (code) => {
      if (!this.#stopping) throw new Error(`the sending thread ended with ${code}`);
    });
  }

  /**
   * Looks for the link, and waits for it in the background. Rejects with a Fault when only another
   * config can help.
   */
  async start(): Promise<void> {
    await this.#uplink.start();
  }

  /** Undefined until the link is found. */
  get identity(): UplinkIdentity | undefined {
    return this.#uplink.identity;
  }

  /** Why there is no link yet. */
  get waitingFor(): Fault | undefined {
    return this.#uplink.waitingFor;
  }

  /**
   * Undefined while the line keeps up with the budget, or while too little has been sent to know.
   */
  get slowLine(): SlowLine | undefined {
    return this.#slowLine.found;
  }

  /** The governor's state as of the last report. Undefined until the link is found and measured. */
  get pace(): PaceView | undefined {
    return this.#pace;
  }

  /**
   * Resolves when the new options are in force. If they lead to no link, it rejects with a Fault
   * and changes nothing.
   */
  async reconfigure(options: SendingOptions): Promise<void> {
    await this.#uplink.reconfigure(options.uplink);
    this.#options = options;
    if (this.identity !== undefined) this.#configure(this.identity);
  }

  /** Another share of the same link: nothing is looked up, and no measurement starts anew. */
  allow(allowance: Allowance): void {
    this.#options = { ...this.#options, allowance };
    if (this.#isConfigured) this.#send({ kind: 'allow', allowance });
  }

  /** The thread gives memory back, which blocks it for about 0.1 s. */
  rest(): void {
    if (this.#isConfigured) this.#send({ kind: 'rest' });
  }

  /** The requests that are under way. */
  progress(): Iterable<RequestProgress> {
    return this.#requests.progress();
  }

  /**
   * Makes the handler of one SDK client. Its `destroy` closes idle connections; requests still
   * work.
   */
  createHandler(options: HandlerOptions): RequestHandler {
    this.#handlers += 1;
    const handler = this.#handlers;
    this.#send({ kind: 'open', handler, options, wayOut: this.#options.wayOut });
    return this.#requests.handler(handler);
  }

  /** Terminates the thread without waiting, because a DNS lookup may be running. */
  stop(): void {
    this.#stopping = true;
    this.#uplink.stop();
    this.#page?.stop();
    void this.#worker.terminate();
  }

  #follow(identity: UplinkIdentity): void {
    this.#configure(identity);
    this.#ports.onEvent({ kind: 'link', identity });
    this.#ports.onLink();
  }

  #configure(link: UplinkIdentity): void {
    const { allowance, sampleIntervalMs } = this.#options;
    const isFirst = !this.#isConfigured;
    this.#slowLine.forget({ soon: this.#uplink.isAssumed });
    this.#isConfigured = true;
    this.#send({ kind: 'configure', options: { link, allowance, sampleIntervalMs } });
    this.#readPage(link);
    if (!isFirst) return;
    this.#send({ kind: 'start' });
    for (const [order, moved] of this.#held.splice(0)) this.#send(order, moved);
  }

  #readPage({ counter }: UplinkIdentity): void {
    this.#page?.stop();
    this.#page = undefined;
    if (counter?.kind !== 'page') return;
    this.#page = new PageCounter(this.#clock, counter, (reading) => this.#send({ kind: 'shown', reading }));
    this.#page.start();
  }

  #send(order: Order, moved?: ArrayBuffer): void {
    if (this.#isConfigured) this.#orders.put(order, moved);
    else this.#held.push([order, moved]);
  }

  #observeLine({ line, pace: { budgetBytesPerSec, rates } }: Extract<Notice, { kind: 'report' }>): void {
    this.#slowLine.observe(line, budgetBytesPerSec, rates.totalBytesPerSec);
    const { found } = this.#slowLine;
    if (found?.limitedBy === 'line' && this.#uplink.isAssumed) this.#uplink.took(found.bitsPerSec);
  }

  #receive(notice: Notice): void {
    switch (notice.kind) {
      case 'configured':
        this.#pace = notice.pace;
        return;
      case 'measurable':
        return this.#ports.onEvent({ kind: 'linkMeasurable', problem: notice.problem });
      case 'beyond':
        return this.#ports.onEvent({ kind: 'linkBeyond' });
      case 'report':
        this.#pace = notice.pace;
        this.#observeLine(notice);
        this.#requests.noteSent(notice.sent);
        return this.#ports.onActivity(notice.activity, notice.elapsedMs, this.#busy.take());
      case 'alive':
        return this.#ports.onAlive();
      default:
        return this.#requests.receive(notice);
    }
  }
}
