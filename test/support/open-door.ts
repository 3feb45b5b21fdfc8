// A door of files over HTTP on a free port, before a spool in memory, and clients for it: a correct one, and one that sends any
// bytes.
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { IngestDoor } from '../../src/ingest/ingest-door.ts';
import type { IngestEvent } from '../../src/ingest/ingest-event.ts';
import type { IngestOptions } from '../../src/ingest/ingest-options.ts';
import type { IngestPorts } from '../../src/ingest/ingest-ports.ts';
import type { Grant, Tokens } from '../../src/ingest/tokens.ts';
import { systemClock } from '../../src/system/clock.ts';
import { freePort } from './free-port.ts';
import { MemorySpool } from './memory-spool.ts';

export const AUTHORIZED = { Authorization: 'Bearer good' };

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** True if the client was told to send the content. */
  readonly continued: boolean;
}

export class OpenDoor {
  readonly door: IngestDoor;
  readonly options: IngestOptions;
  readonly spool: MemorySpool;
  readonly events: readonly IngestEvent[];
  readonly port: number;

  private constructor(
    door: IngestDoor,
    options: IngestOptions,
    spool: MemorySpool,
    events: IngestEvent[],
    port: number,
  ) {
    this.door = door;
    this.options = options;
    this.spool = spool;
    this.events = events;
    this.port = port;
  }

  static async open(
    t: Pick<TestContext, 'after'>,
    options: Partial<IngestOptions> = {},
    ports: Partial<IngestPorts> = {},
  ): Promise<OpenDoor> {
    const spool = new MemorySpool();
    const events: IngestEvent[] = [];
    const port = await freePort();
    const all: IngestOptions = {
      listen: { kind: 'tcp', addresses: ['127.0.0.1'], port },
      spoolPath: '/spool',
      ignore: ['.*', '*.tmp', 'attic'],
      tokensFile: '/tokens',
      tls: undefined,
      maxFileSizeBytes: 1_000_000,
      maxPathBytes: 1_000,
      maxConcurrent: 8,
      minFreeSpaceBytes: 1_000_000,
      backlogLimit: undefined,
      syncsAtOnce: 1,
      ...options,
    };
    const door = await IngestDoor.open(all, {
      clock: systemClock,
      onEvent: (event) => void events.push(event),
      deposits: spool,
      tokens: () => ({ grant }),
      ...ports,
    });
    t.after(() => door.close());
    return new OpenDoor(door, all, spool, events, port);
  }

  get refusals(): string[] {
    return this.events.flatMap((event) => (event.kind === 'ingestRefused' ? [event.problem] : []));
  }

  /** Sends one request on a connection of its own. `path` goes out as it is. */
  async ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string | number>> = AUTHORIZED,
    body?: string | Buffer,
  ): Promise<Answered> {
    const isPlain = body !== undefined && !('Transfer-Encoding' in headers);
    const asked = request({
      ...{ host: '127.0.0.1', port: this.port, method, path, agent: false },
      headers: { ...(isPlain ? { 'Content-Length': Buffer.byteLength(body) } : {}), ...headers },
    });
    let continued = false;
    const expects = 'Expect' in headers;
    asked.on('continue', () => {
      continued = true;
      asked.end(body);
    });
    if (expects) asked.flushHeaders();
    else asked.end(body);
    const [answer] = await once(asked, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    asked.destroy();
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: Buffer.concat(chunks).toString(),
      continued,
    };
  }

  put(path: string, body: string | Buffer, headers: Readonly<Record<string, string | number>> = {}) {
    return this.ask('PUT', `/v1/files/${path}`, { ...AUTHORIZED, ...headers }, body);
  }

  /** A connection that sends `bytes` as they are. */
  async connect(bytes: string | Buffer = ''): Promise<RawClient> {
    const socket = connect(this.port, '127.0.0.1');
    await once(socket, 'connect');
    const client = new RawClient(socket);
    client.send(bytes);
    return client;
  }

  /** Sends `bytes`, and resolves with everything that is answered until the connection ends. */
  async raw(bytes: string | Buffer): Promise<string> {
    const client = await this.connect(bytes);
    await client.closed;
    return client.received;
  }
}

/** Text stands for bytes: latin1. */
export class RawClient {
  readonly socket: Socket;
  /** Resolves when the door has closed the connection, or this client has. */
  readonly closed: Promise<unknown>;
  received = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => void socket.once('close', resolve));
  }

  send(bytes: string | Buffer): void {
    if (!this.socket.destroyed)
      this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Resolves when the answer matches. */
  async receives(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`closed without ${pattern}: ${this.received}`);
      await Promise.race([once(this.socket, 'data').catch(() => undefined), this.closed]);
    }
  }
}

const GRANTS: Readonly<Record<string, ReturnType<Tokens['grant']>>> = {
  'Bearer good': { name: 'good', prefix: '', expiresAtMs: undefined, isOnly: true } satisfies Grant,
  'Bearer camera': {
    name: 'camera',
    prefix: 'camera-7/',
    expiresAtMs: undefined,
    isOnly: false,
  } satisfies Grant,
  'Bearer old': 'expired',
  'Bearer typo': 'mistyped',
};

function grant(authorization: string | undefined): ReturnType<Tokens['grant']> {
  return GRANTS[authorization ?? ''] ?? 'unknown';
}
