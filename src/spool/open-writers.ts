// Finds out whether a process of this machine has a file open for writing.
//
// The kernel answers through a read lease (fcntl(2), F_SETLEASE): it refuses the lease with EAGAIN
// while a process has the file open for writing or mapped (mmap). Node.js has no fcntl, so a dozen
// lines of perl ask. Every Debian has perl, because perl-base is essential.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { hasCapability } from '../system/capabilities.ts';
import type { Clock } from '../system/clock.ts';

/** Whether processes of this machine have a file open for writing. */
export type Writers = 'none' | 'some' | 'unknown';

/** Answers whether files are open for writing. */
export interface WriterView {
  /**
   * Answers for the file open as `fd`, which must stay open until the answer. Never rejects: a
   * question without an answer resolves with `unknown`.
   */
  ask(fd: number): Promise<Writers>;
  /** Returns true if questions about files of this user can be answered, as far as is known. */
  tells(uid: bigint): boolean;
  /** Answers on the spool's file system are wrong and must not be used. */
  distrust(): void;
}

export const NO_VIEW: WriterView = {
  ask: async () => 'unknown',
  tells: () => false,
  distrust: () => undefined,
};

/**
 * Input frames: a count, then that many of our descriptors, four bytes each. Output: one character
 * for each. Perl opens the descriptor again through /proc, so it gets the same file whatever its
 * name is by now. It gives the lease back at once. A writer that opens the file in these
 * microseconds waits for that, or gets EAGAIN if it does not want to wait.
 */
const PERL = `
  use strict; use Fcntl ':DEFAULT', 'F_SETLEASE'; use Errno 'EAGAIN';
  $0 = 'halfpipe-writers';
  $SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE IO);
  my $descriptors = shift;
  sub ask {
    my $file;
    sysopen($file, "$descriptors/$_[0]", O_RDONLY | O_NONBLOCK) && fcntl($file, F_SETLEASE, F_RDLCK)
      or return $! == EAGAIN ? '+' : '?';
    fcntl($file, F_SETLEASE, F_UNLCK);
    return '-';
  }
  while (read(STDIN, my $count, 4)) {
    read(STDIN, my $asked, 4 * unpack('N', $count));
    syswrite(STDOUT, join('', map { ask($_) } unpack('N*', $asked))) or last;
  }`;

const MEANING: Readonly<Record<string, Writers>> = { '-': 'none', '+': 'some' };
/** A question takes about 10 µs, so a longer batch would delay its first answers. */
const BATCH_MAX = 256;
/**
 * A batch wakes both processes, which costs as much as the answers to five questions. So only two
 * batches go out within 5 ms, and the questions of a busy drain share them. A file alone in the
 * spool asks twice, and waits for neither.
 */
const BATCHES_MAX = 2;
const BATCHES_PERIOD_MS = 5;
/** A local file system answers at once. */
const ANSWER_MS = 5_000;
const RESTART_MS = 10_000;

/** The capability that allows a lease on a file of another user; see capabilities(7). */
const CAP_LEASE = 28n;

interface Question {
  readonly fd: number;
  readonly answer: (writers: Writers) => void;
}

export interface OpenWritersPorts {
  readonly clock: Clock;
  /**
   * Says why no question can be answered at present. Undefined when answers are available again.
   */
  readonly onChange: (problem: string | undefined) => void;
  /** The PATH in which perl is looked for. */
  readonly path?: string;
}

type Perl = ChildProcessByStdio<Writable, Readable, null>;

/**
 * Asks a perl process that this class starts on demand and restarts 10 s after a failure. Questions
 * that wait together go out as one batch. If perl does not answer a batch within 5 s (monotonic
 * clock), its questions resolve with `unknown`.
 */
export class OpenWriters implements WriterView {
  readonly #ports: OpenWritersPorts;
  readonly #uid = BigInt(process.geteuid?.() ?? 0);
  readonly #mayAskOfAll = hasCapability(CAP_LEASE);
  #perl: Perl | undefined;
  #stopped = false;
  #restartAtMs = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  #waiting: Question[] = [];
  /** Questions that were sent, in this order. One batch at a time. */
  #asked: Question[] = [];
  #cancelTimeout: () => void = () => undefined;
  /** Batches that went out in this period. */
  #batches = 0;
  #cancelPeriod: () => void = () => undefined;

  constructor(ports: OpenWritersPorts) {
    this.#ports = ports;
  }

  ask(fd: number): Promise<Writers> {
    return new Promise((answer) => {
      this.#waiting.push({ fd, answer });
      this.#send();
    });
  }

  tells(uid: bigint): boolean {
    return this.#problem === undefined && (this.#mayAskOfAll || uid === this.#uid);
  }

  /** Reports the file system, unless another reason is already known. */
  distrust(): void {
    if (this.#problem === undefined) this.#tell('the file system of the spool does not report open writers');
  }

  /** Ends perl. All questions from now on resolve with `unknown`. */
  stop(): void {
    this.#stopped = true;
    this.#end()?.stdin.end();
  }

  #send(): void {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return;
    if (this.#batches >= BATCHES_MAX) return;
    const perl = this.#running();
    if (perl === undefined) return this.#answerUnknown();
    this.#asked = this.#waiting.splice(0, BATCH_MAX);
    const frame = Buffer.alloc(4 + 4 * this.#asked.length);
    frame.writeUInt32BE(this.#asked.length);
    for (const [at, { fd }] of this.#asked.entries()) frame.writeUInt32BE(fd, 4 + 4 * at);
    perl.stdin.write(frame);
    this.#count();
    this.#cancelTimeout = this.#ports.clock.schedule(ANSWER_MS, () =>
      this.#fail(perl, `it has not answered for ${ANSWER_MS / 1000} s`),
    );
  }

  /** The period begins with its first batch. */
  #count(): void {
    this.#batches += 1;
    if (this.#batches > 1) return;
    this.#cancelPeriod = this.#ports.clock.schedule(BATCHES_PERIOD_MS, () => {
      this.#batches = 0;
      this.#send();
    });
  }

  #running(): Perl | undefined {
    if (this.#perl !== undefined) return this.#perl;
    if (this.#stopped || this.#ports.clock.monotonicMs() < this.#restartAtMs) return undefined;
    const perl = spawn('perl', ['-e', PERL, `/proc/${process.pid}/fd`], {
      // The child gets none of our environment, which may hold credentials.
      env: { PATH: this.#ports.path ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#perl = perl;
    perl.stdout.on('data', (answers: Buffer) => this.#answered(perl, answers.toString('latin1')));
    // The event `close` reports this as well.
    perl.stdin.on('error', () => undefined);
    perl.on('error', (error) => this.#fail(perl, error.message));
    perl.on('close', (code, signal) => this.#fail(perl, `it ended with ${signal ?? code}`));
    return perl;
  }

  #answered(perl: Perl, answers: string): void {
    if (perl !== this.#perl) return;
    for (const answer of answers) this.#asked.shift()?.answer(MEANING[answer] ?? 'unknown');
    if (this.#problem !== undefined) this.#tell(undefined);
    if (this.#asked.length > 0) return;
    this.#cancelTimeout();
    this.#send();
  }

  #fail(perl: Perl, problem: string): void {
    if (perl !== this.#perl) return;
    perl.kill('SIGKILL');
    this.#restartAtMs = this.#ports.clock.monotonicMs() + RESTART_MS;
    this.#end();
    if (this.#problem === undefined) this.#tell(`perl does not run: ${problem}`);
  }

  #end(): Perl | undefined {
    const perl = this.#perl;
    this.#perl = undefined;
    this.#cancelTimeout();
    this.#cancelPeriod();
    this.#batches = 0;
    this.#answerUnknown();
    return perl;
  }

  #answerUnknown(): void {
    for (const { answer } of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) answer('unknown');
  }

  #tell(problem: string | undefined): void {
    this.#problem = problem;
    this.#ports.onChange(problem);
  }
}
