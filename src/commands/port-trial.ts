// Tries out, for `halfpipe check`, whether the service could listen at a place.
import { request as requestHttps } from 'node:https';
import { HttpServer } from '../http/http-server.ts';
import type { ListenAt } from '../http/listen-on-each.ts';
import { listenAtPath } from '../ingest/unix-socket.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { http } from '../system/node-http.ts';

/** A server of halfpipe answers within milliseconds. */
const PATIENCE_MS = 5_000;

/**
 * Resolves with the addresses where a server could listen, such as `127.0.0.1:9464`, or where the
 * running halfpipe does. `health` is the URL of an address to ask. Rejects with a Fault.
 */
export async function tryPort(at: ListenAt, health: (address: string) => URL): Promise<readonly string[]> {
  const server = new HttpServer(
    systemClock,
    (_, response) => response.end(),
    () => undefined,
  );
  try {
    await server.listen(at);
    return server.urls.map((url) => new URL(url).host);
  } catch (error) {
    const address = error instanceof Fault ? error.subject : '';
    if (errnoOf(error) === 'EADDRINUSE' && (await isHalfpipe(health(address)))) return [address];
    throw error;
  } finally {
    await server.close();
  }
}

/**
 * Resolves if a server could listen at the path of a Unix socket, or if the running halfpipe does.
 * Rejects with a Fault.
 */
export async function tryPath(path: string, health: URL): Promise<void> {
  const server = http.createServer();
  try {
    await listenAtPath(server, path);
    await new Promise((resolve) => void server.close(resolve));
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE' || !(await isHalfpipe(health, path))) throw error;
  }
}

/** False if another program answers, or none. No secret is sent, so any certificate will do. */
function isHalfpipe(health: URL, socketPath?: string): Promise<boolean> {
  const send = health.protocol === 'https:' ? requestHttps : http.request;
  const options = { rejectUnauthorized: false, timeout: PATIENCE_MS, agent: false, socketPath };
  return new Promise((resolve) => {
    const request = send(health, options);
    request.once('response', ({ headers }) => {
      resolve(headers.server === 'halfpipe');
      request.destroy();
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
    request.once('close', () => resolve(false));
    request.end();
  });
}
