// Passes log records to journald as entries with fields.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { journalEntry } from './journal-entry.ts';
import type { LogStream } from './line-sink.ts';

/**
 * Input: batches of entries. A batch and each entry in it begin with their length in four bytes.
 * Output: one character for each entry, + or -. The process lives as long as its input, even when
 * its process group gets a signal. The address is given with each entry, because journald may make
 * its socket anew.
 */
const PERL = `
  use strict; use Socket;
  $0 = 'halfpipe-journal';
  $SIG{$_} = 'IGNORE' for qw(HUP INT TERM PIPE);
  my $address = pack_sockaddr_un(shift);
  socket(my $journal, AF_UNIX, SOCK_DGRAM, 0) or die;
  while (read(STDIN, my $length, 4)) {
    read(STDIN, my $batch, unpack('N', $length));
    my @taken = map { defined(send($journal, $_, 0, $address)) ? '+' : '-' } unpack('(N/a)*', $batch);
    syswrite(STDOUT, join('', @taken)) or last;
  }`;

interface Sent {
  readonly record: string;
  readonly bytes: number;
}

/**
 * Entries with fields need a Unix datagram socket, which Node.js lacks. So a dozen lines of perl
 * pass them on, and answer for each whether journald accepted it. Every Debian has perl, because
 * perl-base is essential.
 * Invariant: a record is kept until its answer comes. If perl is missing or ends, or journald
 * refuses the entry, the record goes to stdout as a line. Nothing throws.
 */
export class JournalRelay implements LogStream {
  readonly #stdout: LogStream;
  readonly #line: (record: string) => string;
  readonly #unanswered: Sent[] = [];
  #unansweredBytes = 0;
  #whenAnswered: (() => void)[] = [];
  #perl: ChildProcessByStdio<Writable, Readable, null> | undefined;

  /** `line` renders a record for stdout, which carries no fields. */
  constructor(stdout: LogStream, line: (record: string) => string) {
    this.#stdout = stdout;
    this.#line = line;
  }

  /**
   * Starts perl, which is looked for in `path`. `socket` is journald's. Without perl, all records
   * go to stdout.
   */
  start({ socket = '/run/systemd/journal/socket', path = '/usr/bin:/bin' } = {}): void {
    const perl = spawn('perl', ['-e', PERL, socket], {
      // Perl gets none of our environment, which may hold credentials.
      env: { PATH: path },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#perl = perl;
    perl.stdout.on('data', (answers: Buffer) => {
      for (const answer of answers.toString()) this.#answered(answer === '+');
    });
    // `close` reports this too, after the last answers have been read.
    perl.stdin.on('error', () => undefined);
    perl.on('error', (error) => this.#giveUp(error.message));
    perl.on('close', (code, signal) => this.#giveUp(`it ended with ${signal ?? code}`));
  }

  /** Bytes that neither journald nor stdout has accepted yet. */
  get writableLength(): number {
    return this.#unansweredBytes + this.#stdout.writableLength;
  }

  /**
   * Takes records, each with a line feed at its end. The last call has none: its `done` is called
   * when all earlier records were accepted.
   */
  write(lines: string, done?: () => void): boolean {
    const records = lines === '' ? [] : lines.trimEnd().split('\n');
    if (this.#perl === undefined)
      return this.#stdout.write(records.map((record) => this.#toLine(record)).join(''), done);
    if (records.length === 0) this.#end(done);
    else this.#send(this.#perl.stdin, records);
    return true;
  }

  /**
   * Reports stdout's end only if no other way is left. When journald is restarted, it closes stdout
   * but still accepts entries.
   */
  on(event: 'error', listener: (error: Error) => void): void {
    this.#stdout.on(event, (error) => {
      if (this.#perl === undefined) listener(error);
    });
  }

  #send(perl: Writable, records: readonly string[]): void {
    const batch: Buffer[] = [];
    for (const record of records) {
      const entry = journalEntry(JSON.parse(record), process.pid);
      this.#unanswered.push({ record, bytes: entry.byteLength });
      this.#unansweredBytes += entry.byteLength;
      batch.push(lengthOf(entry.byteLength), entry);
    }
    const bytes = batch.reduce((sum, { byteLength }) => sum + byteLength, 0);
    perl.write(Buffer.concat([lengthOf(bytes), ...batch]));
  }

  /** Handles one answer. Answers come in the order of the entries. */
  #answered(taken: boolean): void {
    const sent = this.#unanswered.shift();
    if (sent === undefined) return;
    this.#unansweredBytes -= sent.bytes;
    if (!taken) this.#stdout.write(this.#toLine(sent.record));
    if (this.#unanswered.length > 0) return;
    for (const tell of this.#whenAnswered.splice(0)) tell();
  }

  /**
   * Perl ends when its input ends. Left alone, it would be killed after us, and systemd would
   * report that.
   */
  #end(done: () => void = () => undefined): void {
    const passOn = () => void this.#stdout.write('', done);
    const end = () => {
      const perl = this.#perl;
      this.#perl = undefined;
      perl?.stdin.end();
      if (perl === undefined) passOn();
      else perl.once('close', passOn);
    };
    if (this.#unanswered.length === 0) end();
    else this.#whenAnswered.push(end);
  }

  #giveUp(reason: string): void {
    if (this.#perl === undefined) return;
    this.#perl = undefined;
    const msg = `perl is not running: journal entries have no fields from now on: ${reason}`;
    const notice = JSON.stringify({ level: 'warn', event: 'journalWithoutFields', reason, msg });
    this.#stdout.write(this.#toLine(notice));
    while (this.#unanswered.length > 0) this.#answered(false);
  }

  #toLine(record: string): string {
    return `${this.#line(record)}\n`;
  }
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}
