// From the bytes of a connection to answers: HTTP/1.1 as in RFC 9112, read strictly. What a server
// may not send is an error, and the connection is not used again.

export interface AnswerHead {
  readonly statusCode: number;
  readonly reason: string;
  /** By their names in lower case; several of one name are joined. */
  readonly headers: Record<string, string>;
}

export interface AnswerPorts {
  /** The head of the answer. Interim answers (1xx) are left out. */
  head(head: AnswerHead): void;
  /** A piece of its body; shares memory with what was read. */
  piece(bytes: Buffer): void;
}

/** The limit of Node.js. */
const HEAD_BYTES_MAX = 16_384;
/** A chunk's size with its extensions, or one trailer. */
const LINE_BYTES_MAX = 4_096;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

type State = 'head' | 'length' | 'close' | 'chunk size' | 'chunk' | 'chunk end' | 'trailer' | 'done';

/**
 * The server does not speak HTTP as it should. The codes are Node's, because they mean the same.
 */
export class AnswerError extends Error {
  readonly code: string;

  constructor(code: `HPE_${string}`, what: string) {
    super(`the answer cannot be read: ${what}`);
    this.code = code;
  }
}

/** Reads one answer at a time. It knows no sockets and no time. */
export class AnswerReader {
  readonly #ports: AnswerPorts;
  #state: State = 'done';
  #isHead = false;
  /** The beginning of a head or a line whose end has not arrived. */
  #kept: Buffer | undefined;
  #leftBytes = 0;
  #keepsAlive = false;
  #keptForMs = Number.POSITIVE_INFINITY;

  constructor(ports: AnswerPorts) {
    this.#ports = ports;
  }

  /** An answer to a request with this method comes next. */
  expect(method: string): void {
    this.#state = 'head';
    this.#isHead = method === 'HEAD';
    this.#kept = undefined;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** True if the head of the answer has not arrived. */
  get isBeforeAnswer(): boolean {
    return this.#state === 'head';
  }

  /** True if the server lets the connection carry another request after this answer. */
  get keepsAlive(): boolean {
    return this.#keepsAlive;
  }

  /** How long the server keeps the idle connection, as it says. */
  get keptForMs(): number {
    return this.#keptForMs;
  }

  /** Throws an AnswerError for what is not an answer, or is more than one. */
  read(chunk: Buffer): void {
    const bytes = this.#kept === undefined ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = undefined;
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at);
      if (next === undefined) {
        this.#kept = bytes.subarray(at);
        return;
      }
      at = next;
    }
  }

  /** The connection has ended. Returns true if that was the end of the answer. */
  end(): boolean {
    if (this.#state === 'close') this.#state = 'done';
    return this.isDone;
  }

  /** Returns where to go on; undefined if more has to arrive first. */
  #step(bytes: Buffer, at: number): number | undefined {
    switch (this.#state) {
      case 'head':
        return this.#head(bytes, at);
      case 'length':
        return this.#body(bytes, at, 'done');
      case 'close':
        this.#ports.piece(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      case 'chunk':
        return this.#body(bytes, at, 'chunk end');
      case 'chunk size':
      case 'chunk end':
      case 'trailer':
        return this.#line(bytes, at);
      case 'done':
        throw new AnswerError('HPE_CLOSED_CONNECTION', 'bytes after the answer');
    }
  }

  #body(bytes: Buffer, at: number, after: State): number {
    const end = Math.min(bytes.length, at + this.#leftBytes);
    this.#leftBytes -= end - at;
    if (this.#leftBytes === 0) this.#state = after;
    this.#ports.piece(bytes.subarray(at, end));
    return end;
  }

  #line(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(LINE_END, at);
    if ((end === -1 ? bytes.length : end) - at > LINE_BYTES_MAX)
      throw new AnswerError('HPE_INVALID_CHUNK_SIZE', 'a line between chunks is too long');
    if (end === -1) return undefined;
    const line = bytes.toString('latin1', at, end);
    if (this.#state === 'chunk size') this.#chunk(line);
    else if (this.#state === 'trailer') this.#state = line === '' ? 'done' : 'trailer';
    else if (line === '') this.#state = 'chunk size';
    else throw new AnswerError('HPE_STRICT', 'a chunk is longer than its size');
    return end + LINE_END.length;
  }

  #chunk(line: string): void {
    const [, size] = /^([0-9a-f]{1,13})[\t ]*(?:;.*)?$/i.exec(line) ?? [];
    if (size === undefined) throw new AnswerError('HPE_INVALID_CHUNK_SIZE', 'a chunk has no size');
    this.#leftBytes = Number.parseInt(size, 16);
    this.#state = this.#leftBytes === 0 ? 'trailer' : 'chunk';
  }

  #head(bytes: Buffer, at: number): number | undefined {
    const end = bytes.indexOf(HEAD_END, at);
    if ((end === -1 ? bytes.length : end) - at > HEAD_BYTES_MAX)
      throw new AnswerError('HPE_HEADER_OVERFLOW', 'the head of the answer is too long');
    if (end === -1) {
      // Some other protocol would otherwise be waited for.
      if (!'HTTP/'.startsWith(bytes.toString('latin1', at, Math.min(bytes.length, at + 5)))) throw notHttp();
      return undefined;
    }
    const text = bytes.toString('latin1', at, end);
    const lineEnd = text.indexOf('\r\n');
    const first = lineEnd === -1 ? text : text.slice(0, lineEnd);
    const [, minor, status = '', reason = ''] =
      /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?$/.exec(first) ?? [];
    if (minor === undefined) throw notHttp();
    const statusCode = Number(status);
    const headers = lineEnd === -1 ? {} : headersIn(text, lineEnd + 2);
    if (statusCode >= 200) this.#begin({ statusCode, reason, headers }, minor === '1');
    else if (statusCode === 101)
      throw new AnswerError('HPE_INVALID_STATUS', 'the server changed the protocol');
    return end + HEAD_END.length;
  }

  #begin(head: AnswerHead, isPersistent: boolean): void {
    const { statusCode, headers } = head;
    const { connection = '', 'transfer-encoding': coding, 'content-length': length } = headers;
    const wishes = connection.toLowerCase();
    this.#keepsAlive = isPersistent ? !/\bclose\b/.test(wishes) : /\bkeep-alive\b/.test(wishes);
    const [, seconds] = /\btimeout=(\d{1,6})/.exec(headers['keep-alive'] ?? '') ?? [];
    this.#keptForMs = seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000;
    this.#leftBytes = length === undefined ? 0 : lengthIn(length);
    if (this.#isHead || statusCode === 204 || statusCode === 304) this.#state = 'done';
    else if (coding !== undefined) this.#state = /(^|,)[\t ]*chunked$/i.test(coding) ? 'chunk size' : 'close';
    else if (length !== undefined) this.#state = this.#leftBytes === 0 ? 'done' : 'length';
    else this.#state = 'close';
    // A length beside a coding is how answers are smuggled: RFC 9112, section 6.3.
    if (this.#state === 'close' || (coding !== undefined && length !== undefined)) this.#keepsAlive = false;
    this.#ports.head(head);
  }
}

function headersIn(text: string, from: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = from; at < text.length; ) {
    const found = text.indexOf('\r\n', at);
    const end = found === -1 ? text.length : found;
    const colon = text.indexOf(':', at);
    const name = text.slice(at, colon).toLowerCase();
    if (colon === -1 || colon > end || !/^[\w!#$%&'*+.^`|~-]+$/.test(name))
      throw new AnswerError('HPE_INVALID_HEADER_TOKEN', 'a header of the answer has no name');
    const raw = text.slice(colon + 1, end);
    const value = raw.replace(/^[\t ]+|[\t ]+$/g, '');
    if (/[\0\r\n]/.test(value))
      throw new AnswerError('HPE_INVALID_HEADER_TOKEN', 'a header of the answer is broken');
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    headers[name] = before === undefined ? value : `${before}, ${value}`;
    at = end + 2;
  }
  return headers;
}

/** Throws for several lengths that differ. */
function lengthIn(value: string): number {
  const [first = '', ...others] = value.split(', ');
  if (!/^\d{1,15}$/.test(first) || others.some((other) => other !== first))
    throw new AnswerError('HPE_INVALID_CONTENT_LENGTH', 'the length of the answer is not a number');
  return Number(first);
}

function notHttp(): Error {
  return new AnswerError('HPE_INVALID_CONSTANT', 'it does not begin with HTTP/1.1');
}
