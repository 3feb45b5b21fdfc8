// Uploads under way: which are let in, and how their bytes come into the spool. An upload is
// answered with success only when its file is durable.
import type { IncomingMessage } from 'node:http';
import type { DepositContent } from '../spool/deposit-content.ts';
import type { DepositMode, DepositOutcome } from '../spool/deposit-place.ts';
import type { SpoolPath } from '../spool/entry.ts';
import { BacklogGate, type Place } from './backlog-gate.ts';
import type { ContentDigests } from './content-digests.ts';
import type { BacklogSize, IngestOptions } from './ingest-options.ts';
import type { IngestPorts, Patience, ReceivedFile } from './ingest-ports.ts';
import { PromisedSpace } from './promised-space.ts';
import { Refusal, refusalOf, stopping } from './refusal.ts';
import { TokenShares } from './token-shares.ts';
import type { Grant } from './tokens.ts';
import { UploadBody } from './upload-body.ts';

export interface Arrival {
  readonly request: IncomingMessage;
  readonly grant: Grant;
  readonly path: SpoolPath;
  readonly mode: DepositMode;
  readonly digests: ContentDigests;
  /** Undefined: the content comes in chunks. */
  readonly lengthBytes: number | undefined;
  /** See BodyLimits. */
  readonly broken: AbortSignal;
  /** Called when nothing but the content is missing. */
  readonly invite: () => void;
}

export interface Arrived extends DepositContent {
  readonly outcome: Exclude<DepositOutcome, 'taken'>;
}

/** Only while its bytes come may an upload be cut. */
type Stage = 'receiving' | 'syncing';

interface UnderWay {
  readonly request: IncomingMessage;
  stage: Stage;
}

/** All uploads of one door. */
export class Intake {
  readonly #ports: IngestPorts;
  readonly #patience: Patience;
  readonly #space: PromisedSpace;
  readonly #backlog: BacklogGate;
  readonly #shares = new TokenShares();
  readonly #all = new Set<UnderWay>();
  #onIdle: (() => void) | undefined;
  #options: IngestOptions;
  #receivedBytes = 0;
  #isClosing = false;

  constructor(options: IngestOptions, ports: IngestPorts, patience: Patience) {
    this.#options = options;
    this.#ports = ports;
    this.#patience = patience;
    this.#space = new PromisedSpace(options.minFreeSpaceBytes, () => ports.deposits.freeSpace(), ports.clock);
    this.#backlog = new BacklogGate(options.backlogLimit);
  }

  get counts() {
    const count = (wanted: Stage) => [...this.#all].filter(({ stage }) => stage === wanted).length;
    return {
      receiving: count('receiving'),
      waitingSync: count('syncing'),
    };
  }

  /** The bytes of content since the last call. */
  takeReceivedBytes(): number {
    const bytes = this.#receivedBytes;
    this.#receivedBytes = 0;
    return bytes;
  }

  /** From the next upload on. */
  configure(options: IngestOptions): void {
    this.#options = options;
    this.#space.minFreeBytes = options.minFreeSpaceBytes;
    this.#backlog.limit = options.backlogLimit;
  }

  setBacklog(waiting: BacklogSize): void {
    this.#backlog.told(waiting);
  }

  /** Resolves if the spool is there. Rejects with a Fault. */
  async examine(): Promise<void> {
    await this.#space.look();
  }

  /**
   * Resolves when the file is durably in the spool. Rejects with a Refusal or with a bug;
   * then nothing of it is left.
   */
  async receive(arrival: Arrival): Promise<Arrived> {
    const release = this.#shares.take(arrival.grant, this.#options.maxConcurrent);
    try {
      return await this.#receive(arrival);
    } finally {
      release();
    }
  }

  #receive(arrival: Arrival): Promise<Arrived> {
    return this.#underWay(arrival, async (upload) => {
      const place = this.#backlog.admit(arrival.lengthBytes ?? 0);
      try {
        const arrived = await this.#deposited(arrival, place, upload);
        if (arrived.outcome !== 'same') place.keep(arrived.sizeBytes);
        return arrived;
      } finally {
        place.release();
      }
    });
  }

  async #deposited(arrival: Arrival, place: Place, upload: UnderWay): Promise<Arrived> {
    const promised = await this.#space.promise(arrival.lengthBytes);
    const use = async (bytes: number) => {
      if (arrival.lengthBytes === undefined) place.grow(bytes);
      await promised.use(bytes);
    };
    try {
      const file = await this.#ports.deposits.begin();
      try {
        return await this.#fill(file, arrival, use, upload);
      } finally {
        await file.discard();
      }
    } finally {
      promised.release();
    }
  }

  /** Cuts the uploads whose bytes still come, and resolves when all have ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { stage, request } of this.#all) if (stage === 'receiving') request.socket.destroy();
    if (this.#all.size > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
  }

  async #underWay<T>({ request, path }: Arrival, work: (one: UnderWay) => Promise<T>): Promise<T> {
    if (this.#isClosing) throw stopping();
    if (this.#all.size >= this.#options.maxConcurrent)
      throw new Refusal(
        'busy',
        `${this.#options.maxConcurrent} uploads are under way, which is the limit: try again in a second`,
      );
    const one: UnderWay = { request, stage: 'receiving' };
    this.#all.add(one);
    try {
      return await work(one);
    } catch (error) {
      throw request.destroyed && this.#isClosing ? stopping() : refusalOf(error, path);
    } finally {
      this.#all.delete(one);
      if (this.#all.size === 0) this.#onIdle?.();
    }
  }

  async #fill(
    file: ReceivedFile,
    { request, path, mode, digests, broken, invite }: Arrival,
    use: (bytes: number) => Promise<void>,
    upload: UnderWay,
  ): Promise<Arrived> {
    const body = new UploadBody(request, this.#ports.clock, {
      maxBytes: this.#options.maxFileSizeBytes,
      demand: this.#patience,
      broken,
    });
    try {
      invite();
      for (let chunk = await body.next(); chunk !== undefined; chunk = await body.next()) {
        this.#receivedBytes += chunk.byteLength;
        digests.update(chunk);
        await use(chunk.byteLength);
        await file.write(chunk);
      }
    } finally {
      body.stop();
    }
    const content = { ...digests.verified(), sizeBytes: body.receivedBytes };
    upload.stage = 'syncing';
    const outcome = await file.publish(path, content, mode);
    if (outcome === 'taken')
      throw new Refusal(
        'name-taken',
        mode === 'new'
          ? 'Another file, or a folder, has this name: use another name; ?replace=true replaces a file'
          : 'A folder, or what is no file, has this name: use another name',
      );
    return { ...content, outcome };
  }
}
