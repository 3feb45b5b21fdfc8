// The clients of a simulated world, which deposit files through a process of the daemon as ingest does: in pieces, with
// pauses, given up half-way, repeated after an answer that was lost, over files that are there. What a client is told is
// durable is booked like a file that a careful producer has synced, from that moment on.
import type { Deposit } from '../../src/spool/deposit.ts';
import type { DepositContent } from '../../src/spool/deposit-content.ts';
import type { DepositMode, DepositOutcome } from '../../src/spool/deposit-place.ts';
import type { Deposits } from '../../src/spool/deposits.ts';
import { SpoolPath } from '../../src/spool/entry.ts';
import type { Clock } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimDisk, SimNode } from './sim-spool-disk.ts';
import { digestOf, type SimProducers, SPOOL } from './sim-world-producers.ts';
import type { SimRandom } from './sim-world-random.ts';

/** Some of the producers' own, some in folders that only clients make. */
const PATHS = ['in/a.bin', 'in/b/c.bin', 'up.bin', 'dir/up.bin', 'dir/d.bin', 'a.bin'] as const;
const TMP = `${SPOOL}/.halfpipe/tmp`;
const TRIES_MAX = 40;
/** How long a client waits for an answer. */
const PATIENCE_MS = 6_000;

/** The process that takes uploads at the moment. */
export interface UploadServer {
  readonly dead: boolean;
  readonly clock: Clock;
  readonly deposits: Deposits | undefined;
}

export interface UploadsParts {
  readonly clock: SimClock;
  readonly disk: SimDisk;
  readonly random: SimRandom;
  readonly producers: SimProducers;
  readonly server: () => UploadServer | undefined;
  readonly onChange: () => void;
  readonly note: (text: string) => void;
  readonly count: (what: string) => void;
  /** In so many steps of the process. */
  readonly crashSoon: (steps: number) => void;
  /** Planted: what is asked for instead, and when it is called done. */
  readonly forcedMode: DepositMode | undefined;
  readonly acknowledgesEarly: boolean;
}

interface Upload {
  readonly path: string;
  readonly pieces: readonly Buffer[];
  readonly mode: DepositMode;
  readonly givesUp: boolean;
  tries: number;
}

/** What a server has under way. */
interface UnderWay {
  readonly server: UploadServer;
  readonly upload: Upload;
  /** Undefined once its content is whole. */
  cut: (() => void) | undefined;
  readonly ended: Promise<unknown>;
}

export class SimUploads {
  readonly #parts: UploadsParts;
  /** Files that were received, by their nodes. */
  readonly #received = new WeakSet<SimNode>();
  readonly #underWay = new Set<UnderWay>();
  #waiting = 0;

  constructor(parts: UploadsParts) {
    this.#parts = parts;
    const { random, clock } = parts;
    for (let count = 2 + random.int(8); count > 0; count -= 1) {
      this.#waiting += 1;
      clock.schedule(random.between(0, 20_000), () => this.#begin());
    }
  }

  /** No client waits for an answer, or to try again. */
  get idle(): boolean {
    return this.#waiting === 0;
  }

  /** As the door closes: what is whole is finished, and everything else cut. */
  async close(server: UploadServer): Promise<void> {
    const own = [...this.#underWay].filter((it) => it.server === server);
    for (const { cut } of own) cut?.();
    await Promise.all(own.map(({ ended }) => ended));
  }

  /** A process is about to rename something to this path. */
  renaming(path: string): void {
    const isAsked = [...this.#underWay].some(
      ({ upload, server }) => !server.dead && upload.path === path && upload.mode === 'replace',
    );
    if (isAsked) this.#parts.producers.replaced(path);
  }

  /** A process has just given something this path. */
  named(path: string): void {
    const { disk, producers, acknowledgesEarly } = this.#parts;
    const node = disk.find(`${SPOOL}/${path}`);
    if (node === undefined || !this.#received.has(node)) return;
    this.#received.delete(node);
    producers.deposited(node, path);
    if (acknowledgesEarly) producers.acknowledged(path, digestOf(node.content));
    this.#atTheWorstMoment();
    this.#parts.onChange();
  }

  #begin(): void {
    const { random, producers } = this.#parts;
    const pieces = Array.from({ length: 1 + random.int(3) }, () => producers.newContent());
    const upload: Upload = {
      path: random.pick(PATHS),
      pieces: random.chance(0.1) ? [] : pieces,
      mode: random.chance(0.3) ? 'replace' : 'new',
      givesUp: random.chance(0.15),
      tries: 0,
    };
    producers.everInSpool.add(digestOf(Buffer.concat(upload.pieces)));
    this.#try(upload);
    // Another client may send the same file at the same time.
    if (!random.chance(0.15)) return;
    this.#waiting += 1;
    this.#parts.clock.schedule(random.between(0, 500), () => this.#try({ ...upload }));
  }

  /** One request. Whatever becomes of it, the client goes on with #answered() or after its patience. */
  #try(upload: Upload): void {
    const { clock, random, server: serverNow, note } = this.#parts;
    upload.tries += 1;
    const server = serverNow();
    let isAnswered = false;
    const answered = (answer: string) => {
      if (isAnswered) return;
      isAnswered = true;
      note(`client ${upload.path} ${answer}`);
      this.#answered(upload, answer);
    };
    clock.schedule(PATIENCE_MS, () => answered('nothing'));
    if (server?.deposits === undefined || server.dead) return answered('refused');
    const isLost = random.chance(0.15);
    const answer = (text: string) => {
      if (!isLost) answered(text);
      else this.#parts.count('upload: answer lost');
    };
    const cut = Promise.withResolvers<void>();
    const ended = this.#serve(server, server.deposits, upload, cut.promise, () => {
      underWay.cut = undefined;
    }).then(answer, (error: unknown) => {
      if (!(error instanceof Fault)) throw error;
      answer(`${error.code}`);
    });
    const underWay: UnderWay = { server, upload, cut: cut.resolve, ended };
    this.#underWay.add(underWay);
    void ended.finally(() => this.#underWay.delete(underWay));
  }

  /** As the server does it. Never settles when its process has ended. */
  async #serve(
    server: UploadServer,
    deposits: Deposits,
    { path, pieces, mode, givesUp }: Upload,
    cut: Promise<void>,
    onWhole: () => void,
  ): Promise<string> {
    const { random, forcedMode } = this.#parts;
    let isCut = false;
    void cut.then(() => {
      isCut = true;
    });
    const deposit = await deposits.begin();
    this.#remember();
    try {
      for (const piece of pieces) {
        await deposit.write(piece);
        const pauseMs = random.chance(0.7) ? 0 : random.between(0, 2_000);
        if (pauseMs > 0) await Promise.race([cut, server.clock.sleep(pauseMs)]);
        if (isCut) return 'cut';
        if (givesUp) return 'given up';
      }
      onWhole();
      const content = Buffer.concat(pieces);
      const outcome = await publish(deposit, path, content, forcedMode ?? mode);
      this.#parts.count(`upload: ${outcome}`);
      if (outcome !== 'taken') this.#parts.producers.acknowledged(path, digestOf(content));
      this.#atTheWorstMoment();
      return outcome;
    } finally {
      await deposit.discard();
    }
  }

  /** Just before a client is told that its file is durable, or just after that. */
  #atTheWorstMoment(): void {
    const { random, crashSoon } = this.#parts;
    if (random.chance(0.2)) crashSoon(1 + random.int(6));
  }

  #remember(): void {
    for (const [name, node] of this.#parts.disk.files(TMP))
      if (name.startsWith('deposit-')) this.#received.add(node);
  }

  #answered(upload: Upload, answer: string): void {
    const { clock, random } = this.#parts;
    const isOver = ['created', 'same', 'replaced', 'taken', 'given up'].includes(answer);
    if (isOver || upload.tries >= TRIES_MAX) {
      this.#waiting -= 1;
      return;
    }
    clock.schedule(random.between(100, 3_000), () => this.#try(upload));
  }
}

function publish(
  deposit: Deposit,
  path: string,
  content: Buffer,
  mode: DepositMode,
): Promise<DepositOutcome> {
  const told: DepositContent = { sizeBytes: content.length, sha256: Buffer.from(digestOf(content), 'hex') };
  return deposit.publish(SpoolPath.from(path), told, mode);
}
