// Answers requests on this machine: HTTP on the Unix socket in the spool's private folder, which
// only the service's user and root can reach. Nothing is served over the network.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket, Server as SocketServer } from 'node:net';
import { json } from 'node:stream/consumers';
import type { Redact } from '../system/redact.ts';
import { redacted } from './redacted.ts';
import type { Snapshot } from './snapshot.ts';

export interface ControlOptions {
  /** Undefined while there is no snapshot. Connections are then reset. */
  readonly snapshot: () => Snapshot | undefined;
  /** Cleans every text of the snapshot. */
  readonly redact: Redact;
}

/** Serves `GET /status` on a listening socket. */
export function serveControl(socket: SocketServer, options: ControlOptions): void {
  const server = createServer((incoming, answer) => respond(incoming, answer, options));
  socket.on('connection', (connection) => server.emit('connection', connection));
}

function respond(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { snapshot, redact }: ControlOptions,
): void {
  if (incoming.method !== 'GET' || incoming.url !== '/status') {
    answer.writeHead(404, { 'content-type': 'text/plain' }).end('try GET /status\n');
    return;
  }
  const now = snapshot();
  if (now === undefined) {
    incoming.socket.destroy();
    return;
  }
  answer.writeHead(200, { 'content-type': 'application/json' }).end(`${redacted(now, redact)}\n`);
}

/**
 * Asks the daemon at the other end of `connection`. Rejects with the connection's error, or when
 * its time-out is over.
 */
export function fetchSnapshot(connection: Socket): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const options = { createConnection: () => connection, path: '/status' };
    const outgoing = request(options, (answer) => {
      json(answer).then((body) => resolve(body as Snapshot), reject);
    });
    // Uses the time-out of the connection, because Node ignores the request's when a connection is
    // given.
    connection.once('timeout', () => outgoing.destroy(new Error('the daemon does not answer')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
