// Whether a process of this machine has a file open for writing. The kernel tells by a read lease
// (fcntl(2), F_SETLEASE), which it refuses with EAGAIN as long as one has, a mapping (mmap)
// included. Node.js has no fcntl, so a dozen lines of perl ask (in every Debian: perl-base is
// essential). Invariant: a question that cannot be answered is answered `unknown`.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { hasCapability } from '../system/capabilities.ts';
import type { Clock } from '../system/clock.ts';

/** Processes of this machine that have a file open for writing. */
export type Writers = 'none' | 'some' | 'unknown';

export interface WriterView {
  /**
   * Tells of the file that is open as `fd`, which must stay open until the answer. Never rejects.
   */
  ask(fd: number): Promise<Writers>;
  /** Whether questions about files of this user can be answered, as far as is known. */
  tells(uid: bigint): boolean;
  /** Where files are drained now, the answers are wrong. */
  distrust(): void;
}

export const NO_VIEW: WriterView = {
  ask: async () => 'unknown',
  tells: () => false,
  distrust: () => undefined,
};

/**
 * Frames in: a count, then so many descriptors of ours, four bytes each. A character out for each.
 * The descriptor is opened anew by way of /proc: the same file, whatever its name is by now. The
 * lease is given back at once: a writer that wants to open the file in these microseconds waits for
 * that, or is told EAGAIN if it does not want to wait.
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
/** Longer batches would keep the first of them waiting: 10 µs each. */
const BATCH_MAX = 256;
/** A local file system answers at once. */
const ANSWER_MS = 5_000;
const RESTART_MS = 10_000;

/** capabilities(7): a lease on a file of another user. */
const CAP_LEASE = 28n;

interface Question {
  readonly fd: number;
  readonly answer: (writers: Writers) => void;
}

export interface OpenWritersParts {
  readonly clock: Clock;
  /** Why no question can be answered for the time being; undefined when they are again. */
  readonly onChange: (problem: string | undefined) => void;
  /** Where perl is looked for. */
  readonly path?: string;
}

type Perl = ChildProcessByStdio<Writable, Readable, null>;

export class OpenWriters implements WriterView {
  readonly #parts: OpenWritersParts;
  readonly #uid = BigInt(process.geteuid?.() ?? 0);
  readonly #mayAskOfAll = hasCapability(CAP_LEASE);
  #perl: Perl | undefined;
  #stopped = false;
  #restartMs = Number.NEGATIVE_INFINITY;
  #problem: string | undefined;
  #waiting: Question[] = [];
  /** Sent, in this order; one batch at a time. */
  #asked: Question[] = [];
  #cancelTimeout: () => void = () => undefined;

  constructor(parts: OpenWritersParts) {
    this.#parts = parts;
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

  /** Told unless it is known already why there is no answer. */
  distrust(): void {
    if (this.#problem === undefined) this.#tell('the file system of the spool does not tell');
  }

  /** Questions from now on are answered `unknown`. */
  stop(): void {
    this.#stopped = true;
    this.#end()?.stdin.end();
  }

  #send(): void {
    if (this.#asked.length > 0 || this.#waiting.length === 0) return;
    const perl = this.#running();
    if (perl === undefined) return this.#answerUnknown();
    this.#asked = this.#waiting.splice(0, BATCH_MAX);
    const frame = Buffer.alloc(4 + 4 * this.#asked.length);
    frame.writeUInt32BE(this.#asked.length);
    for (const [at, { fd }] of this.#asked.entries()) frame.writeUInt32BE(fd, 4 + 4 * at);
    perl.stdin.write(frame);
    this.#cancelTimeout = this.#parts.clock.schedule(ANSWER_MS, () =>
      this.#fail(perl, `it has not answered for ${ANSWER_MS / 1000} s`),
    );
  }

  #running(): Perl | undefined {
    if (this.#perl !== undefined) return this.#perl;
    if (this.#stopped || this.#parts.clock.monotonicMs() < this.#restartMs) return undefined;
    const perl = spawn('perl', ['-e', PERL, `/proc/${process.pid}/fd`], {
      // Nothing of our environment, which may hold credentials.
      env: { PATH: this.#parts.path ?? '/usr/bin:/bin' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#perl = perl;
    perl.stdout.on('data', (answers: Buffer) => this.#answered(perl, answers.toString('latin1')));
    // Told by its end, too.
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
    this.#restartMs = this.#parts.clock.monotonicMs() + RESTART_MS;
    this.#end();
    if (this.#problem === undefined) this.#tell(`perl does not run: ${problem}`);
  }

  #end(): Perl | undefined {
    const perl = this.#perl;
    this.#perl = undefined;
    this.#cancelTimeout();
    this.#answerUnknown();
    return perl;
  }

  #answerUnknown(): void {
    for (const { answer } of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) answer('unknown');
  }

  #tell(problem: string | undefined): void {
    this.#problem = problem;
    this.#parts.onChange(problem);
  }
}
