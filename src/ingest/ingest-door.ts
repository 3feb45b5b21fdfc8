// The door: it takes files over HTTP into the spool, from producers that show a token.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { atMost } from '../system/at-most.ts';
import { Repeat } from '../system/repeat.ts';
import { apiDescription } from './api-description.ts';
import { Exchange } from './exchange.ts';
import { FileRequests } from './file-requests.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';
import { type IngestPorts, PATIENCE, type Patience } from './ingest-ports.ts';
import { type Acts, routed } from './ingest-routes.ts';
import { IngestServer } from './ingest-server.ts';
import { Intake } from './intake.ts';
import { Questions } from './questions.ts';
import type { Refusal } from './refusal.ts';
import { requestTarget } from './request-target.ts';
import { tlsCertificate } from './tls-certificate.ts';
import { unreadableRefusal, wireAnswer } from './unreadable-request.ts';

const STATE_MS = 1_000;
/** How long a stop waits for answers that are only to be sent. */
const ANSWERS_MS = 1_000;
/**
 * How long the rest of a request that cannot be read is thrown away, so that its client reads the
 * answer.
 */
const REJECTED_MS = 1_000;
/** Connections without an upload: producers that keep one open between two files. */
const IDLE_CONNECTIONS = 256;

/** Made by open(). close() ends it. */
export class IngestDoor {
  readonly #ports: IngestPorts;
  readonly #patience: Patience;
  readonly #intake: Intake;
  readonly #questions: Questions;
  readonly #files: FileRequests;
  readonly #server: IngestServer;
  readonly #exchanges = new WeakMap<IncomingMessage, Exchange>();
  readonly #underWay = new Map<Exchange, Promise<void>>();
  readonly #rejected = new WeakSet<Socket>();
  readonly #state: Repeat;
  #route: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;

  private constructor(
    options: IngestOptions,
    ports: IngestPorts,
    certificate: SecureContextOptions | undefined,
  ) {
    this.#ports = ports;
    this.#patience = { ...PATIENCE, ...ports.patience };
    this.#intake = new Intake(options, ports, this.#patience);
    this.#questions = new Questions(ports.deposits);
    this.#files = new FileRequests(options, ports, this.#intake, this.#questions);
    this.#state = new Repeat(ports.clock, () => this.#tellState(), STATE_MS);
    this.#server = new IngestServer(
      { certificate, connectionsMax: connectionsMax(options), patience: this.#patience },
      {
        answer: (request, response) => this.#answer(request, response),
        reject: (socket, error) => this.#reject(socket, error),
        onBroken: (request, error) => this.#exchangeOf(request).break(error),
        onError: (error) => this.#tellError(error),
      },
    );
  }

  /** Listens. Rejects with a Fault that names the setting or the file at fault. */
  static async open(options: IngestOptions, ports: IngestPorts): Promise<IngestDoor> {
    const certificate = options.tls && (await tlsCertificate(options.tls));
    const door = new IngestDoor(options, ports, certificate);
    door.#route = await routed({
      acts: door.#acts(),
      exchangeOf: (request) => door.#exchangeOf(request),
      onAnswering: (exchange, ended) => door.#keep(exchange, ended),
      onRefusal: (exchange, refusal) => door.#tellRefusal(exchange, refusal),
      onError: (error) => door.#tellError(error),
    });
    await door.#server.listen(options.listen);
    door.#state.start();
    return door;
  }

  /** Where it listens: URLs, or `unix:` and a path. */
  get urls(): readonly string[] {
    return this.#server.urls;
  }

  /**
   * Takes over everything but the place and whether it has TLS, and reads the certificate again.
   * Rejects with a Fault, and everything stays as it was.
   */
  async reconfigure(options: IngestOptions): Promise<void> {
    const certificate = options.tls && (await tlsCertificate(options.tls));
    this.#files.configure(options);
    this.#intake.configure(options);
    this.#server.bound(connectionsMax(options));
    if (certificate !== undefined) this.#server.secure(certificate);
  }

  setBacklog(waiting: BacklogSize): void {
    this.#intake.setBacklog(waiting);
  }

  /** Lets files end that are being made durable, and cuts everything else. */
  async close(): Promise<void> {
    const closed = this.#server.close();
    await this.#state.stop();
    for (const exchange of this.#underWay.keys()) exchange.isLast = true;
    this.#questions.close();
    await this.#intake.close();
    await atMost(ANSWERS_MS, Promise.all(this.#underWay.values()), this.#ports.clock);
    this.#server.closeAll();
    await closed;
    this.#tellState();
  }

  #keep(exchange: Exchange, ended: Promise<void>): void {
    this.#underWay.set(exchange, ended);
    void ended.finally(() => this.#underWay.delete(exchange));
  }

  #acts(): Acts {
    const files = this.#files;
    const description = apiDescription();
    const describe = (exchange: Exchange) =>
      exchange.answer(200, { 'Content-Type': 'application/json' }, description);
    return {
      file: { PUT: (exchange) => files.put(exchange), HEAD: (exchange) => files.head(exchange) },
      files: { POST: (exchange) => files.post(exchange) },
      health: { GET: (exchange) => this.#health(exchange), HEAD: (exchange) => this.#health(exchange) },
      description: { GET: describe, HEAD: describe },
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const ports = {
      clock: this.#ports.clock,
      lingerMs: this.#patience.lingerMs,
      onAdmitted: () => this.#server.hold(request),
      onLinger: () => this.#server.leave(request),
    };
    const exchange = new Exchange(request, response, requestTarget(request.url ?? ''), ports);
    this.#exchanges.set(request, exchange);
    this.#route(request, response);
  }

  #exchangeOf(request: IncomingMessage): Exchange {
    const exchange = this.#exchanges.get(request);
    if (exchange === undefined) throw new Error('a request came to the routes that the server has not seen');
    return exchange;
  }

  async #health(exchange: Exchange): Promise<void> {
    const isWell = await this.#files.examine().then(
      () => true,
      () => false,
    );
    await exchange.answer(isWell ? 200 : 503, {});
  }

  #reject(socket: Socket, error: Error): void {
    if (this.#rejected.has(socket)) return;
    this.#rejected.add(socket);
    const refusal = unreadableRefusal(error, socket);
    if (refusal === undefined) return void socket.destroy();
    this.#tell(refusal, { token: undefined, path: undefined, client: socket.remoteAddress });
    socket.end(wireAnswer(refusal));
    const cancel = this.#ports.clock.schedule(REJECTED_MS, () => socket.destroy());
    socket.once('close', cancel);
  }

  #tellRefusal({ token, path, request }: Exchange, refusal: Refusal): void {
    // The answer to a question is not a refusal.
    if (request.method === 'HEAD' && refusal.kind === 'not-found') return;
    this.#tell(refusal, { token, path, client: request.socket.remoteAddress });
  }

  #tell(
    { kind, status, story }: Refusal,
    about: { token: string | undefined; path: string | undefined; client: string | undefined },
  ): void {
    this.#ports.onEvent({ kind: 'ingestRefused', status, problem: kind, ...about, detail: story });
  }

  #tellError(error: unknown): void {
    this.#ports.onEvent({ kind: 'fault', operation: 'answer a producer', error });
  }

  #tellState(): void {
    const { connections } = this.#server;
    const receivedBytes = this.#intake.takeReceivedBytes();
    this.#ports.onEvent({ kind: 'ingestState', connections, ...this.#intake.counts, receivedBytes });
  }
}

function connectionsMax({ maxConcurrent }: IngestOptions): number {
  return 2 * maxConcurrent + IDLE_CONNECTIONS;
}
