// The way of requests to one server: its connections, and what a proxy on the way needs.
import type { ProxySetting } from '../system/proxies.ts';
import type { AddressOrder } from './address-order.ts';
import type { AnswerHead } from './answer-reader.ts';
import { explained } from './connection-error.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { proxyAuthorization, proxyRefusal } from './proxy-error.ts';
import type { WireHead } from './wire-head.ts';

export interface DepartureOptions {
  readonly connections: ConnectionPool;
  /** The host that the connections go to. */
  readonly host: string;
  readonly order: AddressOrder;
  /**
   * The proxy that reads the requests itself. Undefined if there is no proxy, or if it only passes
   * bytes on.
   */
  readonly reader: ProxySetting | undefined;
}

/** Makes a request's head as this way wants it, and explains what goes wrong on it. */
export class Departure {
  readonly connections: ConnectionPool;
  readonly #host: string;
  readonly #order: AddressOrder;
  readonly #reader: ProxySetting | undefined;
  readonly #readerFields: string;

  constructor({ connections, host, order, reader }: DepartureOptions) {
    this.connections = connections;
    this.#host = host;
    this.#order = order;
    this.#reader = reader;
    const forProxy = reader === undefined ? {} : proxyAuthorization(reader);
    this.#readerFields = Object.entries(forProxy)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join('');
  }

  /** The head as it is sent. A plain HTTP request to a proxy names the whole URL. */
  textOf(head: WireHead): string {
    if (this.#reader === undefined) return headText(head);
    const host = head.host.includes(':') ? `[${head.host}]` : head.host;
    const authority = head.port === undefined ? host : `${host}:${head.port}`;
    const target = `http://${authority}${head.target}`;
    return headText({ ...head, target, fields: head.fields + this.#readerFields });
  }

  /** Call for each answer. Returns an error if the answer is the proxy's own. */
  arrived({ statusCode }: AnswerHead, remoteAddress: string | undefined): Error | undefined {
    this.#order.connected(this.#host, remoteAddress);
    return this.#reader !== undefined && statusCode === 407 ? proxyRefusal(this.#reader, 407) : undefined;
  }

  /** Returns the error of a failed request, changed so that it says what is to blame. */
  explained(error: unknown): unknown {
    return explained(error, this.#reader);
  }
}

/** The bytes that are sent before the body. */
function headText({ method, target, fields }: WireHead): string {
  return `${method} ${target} HTTP/1.1\r\n${fields}connection: keep-alive\r\n\r\n`;
}
