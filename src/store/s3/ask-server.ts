// Asks a server whose certificate was refused for its time and for the validity of its certificate.
// Sends no secrets, and uses the answer only for a hint.
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

/** Resolves with what can be found out within 5 s. Never rejects. */
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
