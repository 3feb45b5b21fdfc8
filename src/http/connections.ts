// The connections of a server, bounded in number. When there are too many, one whose client has no
// right to it makes room: a client that opens thousands keeps no other client out.
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Ten browsers with two connections each, a few scrapers, and room. */
const CONNECTIONS_MAX = 64;
/** Connections of strangers that stay open only for the client to read a refusal. */
const LEAVING_MAX = 32;

/**
 * What a connection is good for. `stranger`: no request on it was let in yet. `guest`: it waits for
 * another request of a client that was let in. `held`: such a request is under way. `leaving`: a
 * stranger was refused and reads why.
 */
type Standing = 'leaving' | 'stranger' | 'guest' | 'held';

/** Closes another connection when a new one would be one too many. */
export class Connections {
  /** Holds from the next connection on. */
  max: number;
  readonly #open = new Map<Socket, Standing>();
  /** In each set, the one that has waited longest is first. */
  readonly #by: Readonly<Record<Standing, Set<Socket>>> = {
    leaving: new Set(),
    stranger: new Set(),
    guest: new Set(),
    held: new Set(),
  };
  readonly #guests = new WeakSet<Socket>();
  readonly #answering = new WeakSet<Socket>();

  constructor(max = CONNECTIONS_MAX) {
    this.max = max;
  }

  get size(): number {
    return this.#open.size;
  }

  add(socket: Socket): void {
    if (this.#open.size >= this.max) this.#makeRoom(socket);
    if (socket.destroyed) return;
    this.#open.set(socket, 'stranger');
    this.#by.stranger.add(socket);
    socket.once('close', () => this.#remove(socket));
  }

  /**
   * A request has come. A connection that sends a further one before `response` is over is closed,
   * because no bound holds for what it might send; false is then returned.
   */
  answering(socket: Socket, response: ServerResponse): boolean {
    if (!this.#open.has(socket) || this.#answering.has(socket)) {
      socket.destroy();
      return false;
    }
    this.#answering.add(socket);
    response.once('close', () => {
      this.#answering.delete(socket);
      this.#move(socket, this.#guests.has(socket) ? 'guest' : 'stranger');
    });
    return true;
  }

  /** The request is let in: its connection makes no room until it is answered. */
  hold(socket: Socket): void {
    this.#guests.add(socket);
    this.#move(socket, 'held');
  }

  /** The answer is sent, and the connection stays open only for the client to read it. */
  leave(socket: Socket): void {
    this.#move(socket, this.#guests.has(socket) ? 'guest' : 'leaving');
    if (this.#by.leaving.size > LEAVING_MAX) this.#close(first(this.#by.leaving));
  }

  closeAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  /** Without a connection that may be closed, the new one is. */
  #makeRoom(added: Socket): void {
    const { leaving, stranger, guest } = this.#by;
    // Neither strangers nor guests can take all that the others had.
    const larger = stranger.size >= guest.size ? stranger : guest;
    this.#close(first(leaving) ?? first(larger) ?? added);
  }

  #close(socket: Socket | undefined): void {
    if (socket === undefined) return;
    this.#remove(socket);
    socket.destroy();
  }

  /** The connection is the one that has waited shortest. */
  #move(socket: Socket, to: Standing): void {
    const from = this.#open.get(socket);
    if (from === undefined) return;
    this.#by[from].delete(socket);
    this.#by[to].add(socket);
    this.#open.set(socket, to);
  }

  #remove(socket: Socket): void {
    const standing = this.#open.get(socket);
    if (standing === undefined) return;
    this.#by[standing].delete(socket);
    this.#open.delete(socket);
  }
}

function first<T>(of: ReadonlySet<T>): T | undefined {
  const [one] = of;
  return one;
}
