// The network between a simulated process and its store, at the level of the SDK's request handler. Everything that can
// happen to a request or its answer on the way happens here, chosen by the seed. A request that was sent outlives its
// sender, and may arrive twice.
import { Readable } from 'node:stream';
import type { Clock } from '../../src/system/clock.ts';
import { RequestWatch } from '../../src/transport/request-watch.ts';
import type { SimClock } from './sim-clock.ts';
import { fail, type SimStoreServer, type StoreAnswer, type StoreRequest } from './sim-store-server.ts';
import type { SimRandom } from './sim-world-random.ts';

export type NetworkFault =
  | 'refused'
  | 'reset before it arrived'
  | 'answer lost'
  | 'answer torn'
  | 'stalled'
  | 'late'
  | 'sent twice'
  | '500'
  | 'SlowDown'
  | '403'
  | '404'
  | '200 with an error'
  | '200 with nothing'
  | 'flipped byte'
  | 'truncated'
  | 'outage';

const FAULTS = [
  'refused',
  'reset before it arrived',
  'answer lost',
  'answer lost',
  'answer torn',
  'stalled',
  'late',
  'sent twice',
  '500',
  'SlowDown',
  '403',
  '200 with an error',
  '200 with nothing',
  'flipped byte',
  'truncated',
] as const;

export const REQUEST_LIMITS = { deadlineMs: 20_000, idleTimeoutMs: 8_000 };

export interface NetworkParts {
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly server: SimStoreServer;
  readonly onFault: (fault: NetworkFault) => void;
  readonly note: (text: string) => void;
}

/** The process a request comes from. */
export interface Sender {
  readonly clock: Clock;
  readonly dead: boolean;
  /** One step of the process, which may be its last: false then. */
  step(): boolean;
}

interface Delivery {
  readonly request: StoreRequest;
  readonly fault: NetworkFault | undefined;
  /** Its sender may have gone on without it. */
  readonly stray: boolean;
}

/** Without the random part of a name of our own: the same seed is to tell the same story. */
function shown({ path }: StoreRequest): string {
  return path.replace(/(\.halfpipe-check-)[0-9a-f]+/, '$1');
}

export class SimStoreNetwork {
  /** Of any one request. */
  faultShare = 0;
  /** Nothing gets through. */
  outage: 'refused' | '500' | '403' | undefined;
  /** Uploads that nobody can end: begun by a request that arrived when all was over, or whose abort was lost. */
  readonly untold = new Set<string>();
  underWay = 0;
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** Resolves with the answer, or rejects as Node's HTTP client does. */
  send(sender: Sender, request: StoreRequest, signal: AbortSignal | undefined): Promise<StoreAnswer> {
    const fault = this.#draw();
    const { uploadId } = request.query;
    const ends = request.method === 'DELETE' && typeof uploadId === 'string' && fault !== undefined;
    if (ends && this.#parts.server.uploads.get(uploadId)?.used === false) this.untold.add(uploadId);
    const { note, random, clock } = this.#parts;
    note(`${request.method} ${shown(request)} ${Object.keys(request.query).join()} ${fault ?? ''}`);
    return new Promise((resolve, reject) => {
      if (!sender.step()) return;
      const end = (act: () => void) => {
        if (sender.dead || over) return;
        over = true;
        watch.stop();
        signal?.removeEventListener('abort', onAbort);
        act();
      };
      let over = false;
      const onAbort = () => end(() => reject(Object.assign(new Error('aborted'), { name: 'AbortError' })));
      const watch = new RequestWatch(sender.clock, REQUEST_LIMITS, (error) => end(() => reject(error)));
      watch.start();
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) return onAbort();
      if (fault === 'refused' || fault === 'outage') {
        const broken = connectionError('ECONNREFUSED');
        return void clock.schedule(random.between(0, 5), () => end(() => reject(broken)));
      }
      const late = fault === 'late' ? random.between(5_000, 40_000) : 0;
      this.#deliver({ request, fault, stray: fault === 'late' }, random.between(0.1, 20) + late, (answer) => {
        const told = answer === undefined || sender.dead || over || !sender.step() ? undefined : answer;
        if (told === 'reset') end(() => reject(connectionError('ECONNRESET')));
        else if (told !== undefined) end(() => resolve(told));
      });
      if (fault === 'sent twice')
        this.#deliver({ request, fault: undefined, stray: true }, random.between(5, 40_000));
    });
  }

  #draw(): NetworkFault | undefined {
    const { random, onFault } = this.#parts;
    const fault =
      this.outage !== undefined ? 'outage' : random.chance(this.faultShare) ? random.pick(FAULTS) : undefined;
    if (fault !== undefined) onFault(fault);
    return fault;
  }

  /** `told` hears of the answer, of a connection that broke, or of nothing at all. */
  #deliver(
    { request, fault, stray }: Delivery,
    afterMs: number,
    told: (answer: StoreAnswer | 'reset' | undefined) => void = () => undefined,
  ): void {
    const { clock, random } = this.#parts;
    this.underWay += 1;
    clock.schedule(afterMs, () => {
      this.underWay -= 1;
      if (stray && this.#wouldOverwrite(request)) return;
      const answer = this.#carryOut(request, fault);
      if (stray) this.#hush(request, answer);
      clock.schedule(random.between(0.1, 5), () => told(answer));
    });
  }

  #carryOut(request: StoreRequest, fault: NetworkFault | undefined): StoreAnswer | 'reset' | undefined {
    const { random } = this.#parts;
    switch (fault) {
      case 'reset before it arrived':
        return 'reset';
      case 'stalled':
        return undefined;
      case '500':
        return fail(500, 'InternalError');
      case 'SlowDown':
        return fail(503, 'SlowDown', random.chance(0.5) ? { 'retry-after': '2' } : {});
      case '403':
        return fail(403, random.pick(['AccessDenied', 'SignatureDoesNotMatch', 'ExpiredToken']));
      case '200 with an error':
        return { ...fail(200, 'InternalError') };
      case '200 with nothing':
        if (request.method === 'DELETE') return this.#perform(request);
        return { status: 200, headers: {}, body: Buffer.alloc(0) };
      case 'flipped byte':
      case 'truncated':
        return this.#perform(this.#spoilt(request, fault));
      default: {
        const answer = this.#perform(request);
        if (fault === 'answer lost') return 'reset';
        return fault === 'answer torn' && answer.body.length >= 2 ? torn(answer) : answer;
      }
    }
  }

  /**
   * Against a stray write that overwrites what came after it a client can do nothing but ask the store not to let it:
   * where the store does not care, or is not asked, the file is out of the client's hands, and none is sent here.
   */
  #wouldOverwrite({ method, path, query, headers, body }: StoreRequest): boolean {
    const { server } = this.#parts;
    const isRefused = server.traits.conditions === 'honour' && headers['if-none-match'] !== undefined;
    if (isRefused || method === 'DELETE') return false;
    const object = server.objects.get(decodeURIComponent(path.split('/').slice(2).join('/')));
    return query.partNumber === undefined && object !== undefined && !object.body.equals(body);
  }

  #perform(request: StoreRequest): StoreAnswer {
    const answer = this.#parts.server.perform(request);
    this.#parts.note(`  ${answer.status} ${request.method} ${shown(request)}`);
    return answer;
  }

  /** What cannot be noticed while it is sent: the store gets other bytes than left here. */
  #spoilt(request: StoreRequest, fault: 'flipped byte' | 'truncated'): StoreRequest {
    if (request.method !== 'PUT' || request.body.length === 0) return request;
    const body = Buffer.from(fault === 'truncated' ? request.body.subarray(0, -1) : request.body);
    const at = this.#parts.random.int(body.length);
    if (fault === 'flipped byte') body[at] = (body[at] ?? 0) ^ 0x10;
    return { ...request, body, damaged: true };
  }

  /** Whatever is begun when everybody has gone on can be looked for too early only. */
  #hush({ method }: StoreRequest, answer: StoreAnswer | 'reset' | undefined): void {
    if (typeof answer !== 'object' || method !== 'POST') return;
    const [, uploadId] = /<UploadId>([^<]+)</.exec(answer.body.toString()) ?? [];
    if (uploadId !== undefined) this.untold.add(uploadId);
  }
}

/** Half the body, then the connection breaks. */
function torn(answer: StoreAnswer): StoreAnswer {
  return { ...answer, headers: { ...answer.headers, 'x-torn': '1' } };
}

/** As the SDK takes it. */
export function responseOf({ status, headers, body }: StoreAnswer) {
  const { 'x-torn': isTorn, ...told } = headers;
  async function* chunks(): AsyncGenerator<Buffer> {
    yield isTorn === undefined ? body : body.subarray(0, body.length >> 1);
    if (isTorn !== undefined) throw connectionError('ECONNRESET');
  }
  return { response: { statusCode: status, headers: told, body: Readable.from(chunks()) } };
}

/** NodeHttpHandler gives broken connections this name. */
function connectionError(code: 'ECONNRESET' | 'ECONNREFUSED'): Error {
  const error = Object.assign(new Error(code), { code });
  return code === 'ECONNRESET' ? Object.assign(error, { name: 'TimeoutError' }) : error;
}
