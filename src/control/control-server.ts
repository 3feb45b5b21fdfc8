// Answers requests on this machine: HTTP on the Unix socket in the spool's private folder, which
// only the service's user and root can reach. Nothing is served over the network.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as SocketServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { explain } from '../system/fault.ts';
import { http } from '../system/node-http.ts';
import type { Redact } from '../system/redact.ts';
import { FILE_LISTS, type FileListName, type FileListView } from '../view/file-list.ts';
import type { HistoryView } from '../view/history-view.ts';
import { redacted } from '../view/redacted.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { type Obeyed, type Order, readOrder } from './order.ts';

/** What the control socket needs from the daemon. */
export interface ControlledDaemon {
  snapshot(): Snapshot;
  list(name: FileListName, limit: number): Promise<FileListView>;
  history(agoMs: number): HistoryView;
  obey(order: Order): Promise<Obeyed>;
}

export interface ControlOptions {
  /** Undefined until the daemon is up. Connections are then reset. */
  readonly daemon: () => ControlledDaemon | undefined;
  /** Cleans every text of an answer. */
  readonly redact: Redact;
}

/** Bounds the body of an order. */
const ORDER_BYTES_MAX = 16 * 1024 * 1024;
const LIMIT = 1_000;
const LIMIT_MAX = 100_000;
const DAY_MS = 86_400_000;

/**
 * Serves a listening socket: `GET /status`, `GET /list/NAME?limit=N`, `GET /history?agoMs=N` and
 * `POST /order`. All answers are JSON; the answer to a request that cannot be met is
 * `{ "problem": … }`.
 */
export function serveControl(socket: SocketServer, options: ControlOptions): void {
  const server = http.createServer((incoming, answer) => void respond(incoming, answer, options));
  socket.on('connection', (connection) => server.emit('connection', connection));
}

async function respond(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { daemon, redact }: ControlOptions,
): Promise<void> {
  const running = daemon();
  if (running === undefined) {
    incoming.socket.destroy();
    return;
  }
  const send = (status: number, body: unknown) => {
    answer.writeHead(status, { 'content-type': 'application/json' }).end(`${redacted(body, redact)}\n`);
  };
  try {
    send(200, await answerOf(incoming, running));
  } catch (error) {
    const status = error instanceof NoSuchThing ? 404 : error instanceof RangeError ? 400 : 500;
    send(status, { problem: explain(error) });
  }
}

class NoSuchThing extends Error {}

async function answerOf(incoming: IncomingMessage, daemon: ControlledDaemon): Promise<unknown> {
  const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://control');
  const list = FILE_LISTS.find((name) => pathname === `/list/${name}`);
  const asked = `${incoming.method} ${list === undefined ? pathname : '/list'}`;
  if (asked === 'GET /status') return daemon.snapshot();
  if (asked === 'GET /list' && list !== undefined)
    return daemon.list(list, Math.min(numberIn(searchParams, 'limit', LIMIT), LIMIT_MAX));
  if (asked === 'GET /history') return daemon.history(numberIn(searchParams, 'agoMs', DAY_MS));
  if (asked === 'POST /order') return daemon.obey(readOrder(await jsonOf(incoming)));
  throw new NoSuchThing(
    `there is no ${asked}: try GET /status, GET /list/waiting, GET /history or POST /order`,
  );
}

function numberIn(parameters: URLSearchParams, name: string, otherwise: number): number {
  const value = Number(parameters.get(name) ?? otherwise);
  if (Number.isInteger(value) && value > 0) return value;
  throw new RangeError(`${name} must be a whole number above 0`);
}

async function jsonOf(incoming: IncomingMessage): Promise<unknown> {
  if (Number(incoming.headers['content-length'] ?? Number.POSITIVE_INFINITY) > ORDER_BYTES_MAX)
    throw new RangeError('the order is too long, or has no Content-Length');
  try {
    return JSON.parse(await text(incoming));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RangeError('the order must be JSON');
    throw error;
  }
}
