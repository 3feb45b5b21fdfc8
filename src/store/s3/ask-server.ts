// A look at a server whose certificate was refused: what time it has, and from when to when its
// certificate is valid. It is told nothing, and nothing is done with what it says but a hint.
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { Endpoint } from './endpoint.ts';

const PATIENCE_MS = 5_000;

export interface ServerFacts {
  readonly serverMs: number | undefined;
  readonly validFrom: string | undefined;
  readonly validTo: string | undefined;
}

const NOTHING: ServerFacts = { serverMs: undefined, validFrom: undefined, validTo: undefined };

/** Never rejects: what cannot be found out is undefined. */
export function askServer({ host, port }: Endpoint): Promise<ServerFacts> {
  return new Promise((resolve) => {
    let facts = NOTHING;
    const end = (more: Partial<ServerFacts> = {}) => {
      asking.destroy();
      resolve({ ...facts, ...more });
    };
    const asking = request({
      ...{ host, port, method: 'HEAD', path: '/', agent: false, timeout: PATIENCE_MS },
      rejectUnauthorized: false,
    });
    asking.on('socket', (socket) => {
      socket.once('secureConnect', () => {
        const { valid_from: validFrom, valid_to: validTo } = (socket as TLSSocket).getPeerCertificate();
        facts = { ...facts, validFrom, validTo };
      });
    });
    asking.on('response', ({ headers }) => {
      const serverMs = Date.parse(headers.date ?? '');
      end(Number.isNaN(serverMs) ? {} : { serverMs });
    });
    asking.on('timeout', () => end());
    asking.on('error', () => end());
    asking.end();
  });
}
