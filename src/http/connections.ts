// The connections of a server, bounded in number. When there are too many, the one that has waited
// longest without a request makes room: a client that opens thousands keeps no other client out.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Ten browsers with two connections each, a few scrapers, and room. */
const CONNECTIONS_MAX = 64;

/** Closes the oldest idle connection when a new one would be one too many. */
export class Connections {
  /** Holds from the next connection on. */
  max: number;
  readonly #open = new Set<Socket>();
  /** Those without a request under way; the one that has waited longest is first. */
  readonly #idle = new Set<Socket>();

  constructor(max = CONNECTIONS_MAX) {
    this.max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): void {
    if (this.#open.size >= this.max) this.#makeRoom(socket);
    if (socket.destroyed) return;
    this.#open.add(socket);
    this.#idle.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#idle.delete(socket);
    });
  }

  /**
   * The connection is not idle until `response` is over. A connection that sends a further request
   * before that is closed, because no bound holds for what it might send; false is then returned.
   */
  answering(socket: Socket, response: ServerResponse): boolean {
    if (!this.#idle.delete(socket)) {
      socket.destroy();
      return false;
    }
    response.once('close', () => {
      if (this.#open.has(socket)) this.#idle.add(socket);
    });
    return true;
  }

  closeAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Without an idle connection, the new one is closed. */
  #makeRoom(added: Socket): void {
    const [oldest = added] = this.#idle;
    this.#open.delete(oldest);
    this.#idle.delete(oldest);
    oldest.destroy();
  }
}
