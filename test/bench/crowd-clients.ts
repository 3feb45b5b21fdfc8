// A process of its own: many clients that do harm by being slow. Prints a tally as JSON once a
// second, until it is ended.
//   crowd-clients.ts JOB        a CrowdJob as JSON
import { connect, type Socket } from 'node:net';

/**
 * `slow`: begins to upload a large file, sends some bytes a second, and begins again when it is
 * refused. `silent`: connects and says nothing. `kept`: asks for the health once, keeps the
 * connection open and says nothing more.
 */
export type CrowdKind = 'slow' | 'silent' | 'kept';

export interface CrowdJob {
  readonly kind: CrowdKind;
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly authorization: string;
  readonly clients: number;
  readonly bytesPerSec: number;
}

export interface CrowdTally {
  readonly connected: number;
  readonly mostConnected: number;
  /** By the status of the answer; `closed` and the code of an error for the ends of connections. */
  readonly answers: Readonly<Record<string, number>>;
}

/** A flood of SYNs would be dropped by the kernel, and is another case. */
const OPENED_AT_ONCE = 250;
const OPEN_EVERY_MS = 50;
const SEND_EVERY_MS = 1000;
const FILE_BYTES = 100_000_000;

const job: CrowdJob = JSON.parse(process.argv[2] ?? '{}');
const answers: Record<string, number> = {};
const connected = new Set<Socket>();
let mostConnected = 0;
let begun = 0;

function count(what: string): void {
  answers[what] = (answers[what] ?? 0) + 1;
}

function begin(): void {
  const socket = connect({ host: job.address, port: job.port, noDelay: true });
  socket.once('connect', () => {
    connected.add(socket);
    mostConnected = Math.max(mostConnected, connected.size);
    if (job.kind !== 'silent') socket.write(head());
  });
  socket.on('data', (chunk) => {
    const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(chunk.toString('latin1')) ?? [];
    if (status !== undefined) count(status);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => count(`${error.code}`));
  socket.once('close', () => {
    connected.delete(socket);
    count('closed');
    if (job.kind === 'slow') setTimeout(begin, SEND_EVERY_MS);
  });
}

function head(): string {
  if (job.kind === 'kept') return `GET /v1/healthz HTTP/1.1\r\nHost: ${job.address}\r\n\r\n`;
  begun += 1;
  const first = `PUT ${job.path}${begun}.bin HTTP/1.1\r\nHost: ${job.address}\r\n`;
  return `${first}${job.authorization}Content-Length: ${FILE_BYTES}\r\n\r\n`;
}

let opened = 0;
const opening = setInterval(() => {
  for (let n = 0; n < OPENED_AT_ONCE && opened < job.clients; n += 1, opened += 1) begin();
  if (opened === job.clients) clearInterval(opening);
}, OPEN_EVERY_MS);

const some = Buffer.alloc(job.bytesPerSec, 'slow');
setInterval(() => {
  if (job.kind === 'slow') for (const socket of connected) socket.write(some);
  const tally: CrowdTally = { connected: connected.size, mostConnected, answers };
  process.stdout.write(`${JSON.stringify(tally)}\n`);
}, SEND_EVERY_MS);
