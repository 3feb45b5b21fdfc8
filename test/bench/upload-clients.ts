// A process of its own: clients that upload over HTTP as fast as they are answered, each over one
// connection that is kept alive. Prints a tally as JSON when it is done. It speaks HTTP/1.1 by hand,
// because a client library costs more CPU time than the servers that it would measure.
//   upload-clients.ts JOB        an UploadJob as JSON
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface UploadJob {
  readonly address: string;
  readonly port: number;
  /** Begins the path of each file. */
  readonly path: string;
  /** A header field; empty for none. */
  readonly authorization: string;
  readonly clients: number;
  readonly fileBytes: number;
  /** New uploads begin for so long; those under way are finished. */
  readonly seconds: number;
}

export interface UploadTally {
  /** Answered with 201. */
  readonly uploads: number;
  /** By the status of the answer, or `broken` for a connection that ended without one. */
  readonly others: Readonly<Record<string, number>>;
  /** From the first byte to the last answer. */
  readonly seconds: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of this process. */
  readonly cpuSeconds: number;
}

const AGAIN_MS = 50;

class Client {
  readonly #job: UploadJob;
  readonly #body: Buffer;
  readonly #name: string;
  readonly #untilMs: number;
  readonly latenciesMs: number[] = [];
  readonly others = new Map<string, number>();
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #socket: Socket | undefined;
  #sent = 0;
  #sentMs = 0;
  #answer = '';

  constructor(job: UploadJob, body: Buffer, nth: number, untilMs: number) {
    this.#job = job;
    this.#body = body;
    this.#name = `${job.path}${nth}-`;
    this.#untilMs = untilMs;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#next();
  }

  #next(): void {
    if (performance.now() >= this.#untilMs) {
      this.#leave();
      this.#resolve();
      return;
    }
    const { address, authorization } = this.#job;
    this.#socket ??= this.#connect();
    this.#sent += 1;
    this.#sentMs = performance.now();
    this.#answer = '';
    const head = `PUT ${this.#name}${this.#sent}.bin HTTP/1.1\r\nHost: ${address}\r\n${authorization}Content-Length: ${this.#body.length}\r\n\r\n`;
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(this.#body);
    this.#socket.uncork();
  }

  #connect(): Socket {
    const socket = connect({ host: this.#job.address, port: this.#job.port, noDelay: true });
    socket.on('data', (chunk) => this.#read(chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#count('broken');
      setTimeout(() => this.#next(), AGAIN_MS);
    });
    return socket;
  }

  #read(text: string): void {
    this.#answer += text;
    const headEnd = this.#answer.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#answer.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (this.#answer.length < headEnd + 4 + length) return;
    const status = head.slice('HTTP/1.1 '.length, 'HTTP/1.1 201'.length);
    if (status === '201') this.latenciesMs.push(performance.now() - this.#sentMs);
    else this.#count(status);
    if (/^connection: *close/im.test(head)) this.#leave();
    if (status === '201') this.#next();
    else setTimeout(() => this.#next(), AGAIN_MS);
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #count(what: string): void {
    this.others.set(what, (this.others.get(what) ?? 0) + 1);
  }
}

async function upload(job: UploadJob): Promise<UploadTally> {
  const body = randomBytes(job.fileBytes);
  const [beganMs, before] = [performance.now(), process.cpuUsage()];
  const untilMs = beganMs + job.seconds * 1000;
  const clients = Array.from({ length: job.clients }, (_, nth) => new Client(job, body, nth, untilMs));
  await Promise.all(clients.map(({ done }) => done));
  const seconds = (performance.now() - beganMs) / 1000;
  const { user, system } = process.cpuUsage(before);
  const latencies = clients.flatMap(({ latenciesMs }) => latenciesMs).toSorted((a, b) => a - b);
  const others: Record<string, number> = {};
  for (const client of clients)
    for (const [what, times] of client.others) others[what] = (others[what] ?? 0) + times;
  const quantile = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
  return {
    ...{ uploads: latencies.length, others, seconds, cpuSeconds: (user + system) / 1e6 },
    ...{ medianMs: quantile(0.5), p99Ms: quantile(0.99) },
  };
}

process.stdout.write(`${JSON.stringify(await upload(JSON.parse(process.argv[2] ?? '{}')))}\n`);
