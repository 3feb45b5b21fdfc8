// The connections of one way to one server.
import type { Socket } from 'node:net';
import type { Clock } from '../system/clock.ts';
import { Connection } from './connection.ts';

/** A request that needs a connection. Exactly one of the two is called, unless it leaves before. */
export interface Applicant {
  /** The connection may not be open yet. */
  connected(connection: Connection): void;
  lost(error: unknown): void;
}

export interface ConnectionPoolOptions {
  readonly clock: Clock;
  readonly maxSockets: number;
  /** Opens a socket, or a tunnel through a proxy. The signal closes what is being opened. */
  readonly open: (signal: AbortSignal) => Socket | Promise<Socket>;
}

/** A server that closes an idle connection after this much less than it says finds it unused. */
const KEPT_MARGIN_MS = 1_000;

/**
 * Connections are kept, and the one that was used last is used next. Few warm connections are
 * better than many: S3 closes an idle one after about 20 s. Monotonic clock.
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  /** Used last: last. */
  readonly #idle: Connection[] = [];
  readonly #waiting = new Set<Applicant>();
  /** Tunnels that are being opened. */
  readonly #opening = new Map<Applicant, AbortController>();
  /** How many connections are open or opening. */
  #count = 0;
  #keepsIdle = true;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /** Gives the applicant a connection, within this call if one is idle. */
  take(applicant: Applicant): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      const isFresh = nowMs - idle.idleSinceMs < idle.keptForMs - KEPT_MARGIN_MS;
      if (isFresh && idle.socket.writable) return applicant.connected(idle);
      idle.giveUp();
    }
    if (this.#count < this.#options.maxSockets) this.#open(applicant);
    else this.#waiting.add(applicant);
  }

  /** The applicant needs no connection any more. Call it before it has one. */
  leave(applicant: Applicant): void {
    this.#waiting.delete(applicant);
    this.#opening.get(applicant)?.abort();
    this.#opening.delete(applicant);
  }

  /**
   * Closes idle connections now, and those in use when their request is over. New requests still
   * work.
   */
  close(): void {
    this.#keepsIdle = false;
    for (const connection of this.#idle.splice(0)) connection.giveUp();
  }

  freed(connection: Connection): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next.connected(connection);
    } else if (this.#keepsIdle) {
      connection.idleSinceMs = this.#options.clock.monotonicMs();
      this.#idle.push(connection);
    } else connection.giveUp();
  }

  gone(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    this.#closed();
  }

  #closed(): void {
    this.#count -= 1;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#open(next);
  }

  #open(applicant: Applicant): void {
    this.#count += 1;
    const stop = new AbortController();
    const opened = this.#options.open(stop.signal);
    if (!(opened instanceof Promise)) return applicant.connected(new Connection(opened, this));
    this.#opening.set(applicant, stop);
    opened.then(
      (socket) => {
        if (this.#opening.delete(applicant)) return applicant.connected(new Connection(socket, this));
        socket.destroy();
        this.#closed();
      },
      (error: unknown) => {
        this.#closed();
        if (this.#opening.delete(applicant)) applicant.lost(error);
      },
    );
  }
}
