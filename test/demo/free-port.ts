// Whether the demo's daemon can serve its page at a port: a port that is taken would keep it from starting.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Resolves with the port, or with undefined when another program has it. */
export async function ifFree(port: number): Promise<number | undefined> {
  if (port > 65_535) return undefined;
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
