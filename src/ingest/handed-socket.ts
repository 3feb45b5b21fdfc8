// The socket that systemd has handed over can be listened at once: closing its server closes the
// descriptor, whose number may then be that of another socket of this process.
import { Fault } from '../system/fault.ts';
import type { IngestOptions } from './ingest-options.ts';

type Place = Pick<IngestOptions, 'listen' | 'tls'>;

/** Knows whether the socket is still there. It stays open while the same door serves at it. */
export class HandedSocket {
  /** How it is listened at, or was; undefined before that. */
  #isTls: boolean | undefined;
  #isClosed = false;

  /** Throws a Fault if the options need the socket once more. */
  check({ listen, tls }: Place): void {
    if (listen.kind !== 'systemd' || this.#isTls === undefined) return;
    if (this.#isClosed) throw fault('the socket that systemd has handed over is closed');
    if (this.#isTls !== (tls !== undefined))
      throw fault('the socket that systemd has handed over cannot change between HTTP and HTTPS');
  }

  /** Files are now taken by these options. */
  served({ listen, tls }: Place): void {
    if (listen.kind === 'systemd') this.#isTls = tls !== undefined;
    else this.closed();
  }

  /** No files are taken any more. */
  closed(): void {
    this.#isClosed = this.#isTls !== undefined;
  }
}

function fault(message: string): Fault {
  return new Fault('blocked', message, {
    ...{ operation: 'listen', subject: 'ingest.listen', isLocal: true },
    hint: 'Restart the service: systemd then hands it over again',
  });
}
