// A forward proxy for tests: CONNECT for TLS endpoints, whole URLs for the others. Every name leads to one upstream, so a
// test may use names that resolve nowhere.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export interface ForwardProxyOptions {
  /** The port on 127.0.0.1 that everything is passed on to. */
  readonly upstreamPort: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** `user:password`; without them it answers 407. */
  readonly login?: string;
  /** The answer to every request, instead of doing it. */
  readonly refuse?: number;
  /** Takes connections and never answers. */
  readonly silent?: boolean;
}

export class ForwardProxy {
  /** `CONNECT host:port`, or `GET http://host/path`. */
  readonly asked: string[] = [];
  readonly #options: ForwardProxyOptions;
  readonly #sockets = new Set<Socket>();
  #port = 0;

  private constructor(options: ForwardProxyOptions) {
    this.#options = options;
  }

  /** Listens until the test ends. */
  static async start(t: TestContext, options: ForwardProxyOptions): Promise<ForwardProxy> {
    const proxy = new ForwardProxy(options);
    const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    server.on('request', (request, response) => proxy.#pass(request, response));
    server.on('connect', (request, socket, head) => proxy.#tunnel(request, socket as Socket, head));
    server.on('connection', (socket: Socket) => {
      proxy.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => proxy.#sockets.delete(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy.#port = (server.address() as AddressInfo).port;
    t.after(() => {
      server.close();
      for (const socket of proxy.#sockets) socket.destroy();
    });
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** The status of an answer other than doing it; 0 for none at all. */
  #refusal({ headers }: IncomingMessage): number | undefined {
    const { login, refuse, silent } = this.#options;
    if (silent === true) return 0;
    const basic = `Basic ${Buffer.from(login ?? '').toString('base64')}`;
    if (login !== undefined && headers['proxy-authorization'] !== basic) return 407;
    return refuse;
  }

  #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.asked.push(`CONNECT ${request.url}`);
    const refusal = this.#refusal(request);
    if (refusal === 0) return void socket.on('end', () => socket.end()).resume();
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(this.#options.upstreamPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  }

  #pass(request: IncomingMessage, response: ServerResponse): void {
    this.asked.push(`${request.method} ${request.url}`);
    const refusal = this.#refusal(request);
    if (refusal === 0) return;
    if (refusal !== undefined) {
      response.writeHead(refusal).end('<html>no</html>');
      return;
    }
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const { pathname, search } = new URL(request.url ?? '');
    const upstream = send({
      host: '127.0.0.1',
      port: this.#options.upstreamPort,
      method: request.method,
      path: pathname + search,
      headers,
    });
    upstream.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  }
}
