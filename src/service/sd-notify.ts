// Notifies the service manager as in sd_notify(3). It uses systemd-notify(1), because Node.js has
// no Unix datagram sockets.
import { execFile } from 'node:child_process';
import type { Logger } from '../log/log.ts';
import type { Clock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import type { Redact } from '../system/redact.ts';

/** Each message starts a process (about 7 ms), and no reader is faster. */
const STATUS_INTERVAL_MS = 2000;
/** systemd-notify itself waits up to 5 s until the manager has taken the message. */
const COMMAND_TIMEOUT_MS = 10_000;

/**
 * Hands over one message of `VARIABLE=value` lines. Rejects with a Fault when the manager did not
 * get it.
 */
export type SendToManager = (variables: readonly string[]) => Promise<void>;

export interface NotifierPorts {
  /** Undefined when no service manager listens. Then every call below does nothing. */
  readonly send: SendToManager | undefined;
  readonly clock: Clock;
  /** CLOCK_MONOTONIC in microseconds, as systemd reads it. */
  readonly kernelMonotonicUsec: () => bigint;
  readonly log: Logger;
  /** Cleans the text that `systemctl status` shows. */
  readonly redact: Redact;
}

/**
 * Sends messages one at a time and in order. Its promises resolve when the manager has the message
 * or cannot be reached. They never reject, because a failed notification must not harm the daemon.
 */
export class SdNotifier {
  readonly #ports: NotifierPorts;
  #lastSent: Promise<void> = Promise.resolve();
  #status: string | undefined;
  #remark = '';
  #shown = '';
  #cancelStatus: (() => void) | undefined;
  #pingWaiting = false;
  #failed = false;
  #stopping = false;

  constructor(ports: NotifierPorts) {
    this.#ports = ports;
  }

  /** The daemon has started, or has finished reloading. */
  ready(status: string): Promise<void> {
    return this.#message('READY=1', this.#statusLine(status));
  }

  /** The daemon reloads. ready() must follow. */
  reloading(): Promise<void> {
    return this.#message('RELOADING=1', `MONOTONIC_USEC=${this.#ports.kernelMonotonicUsec()}`);
  }

  /**
   * The line in `systemctl status`. The latest one wins: at most one every two seconds, and none
   * that equals the last.
   */
  status(text: string): void {
    this.#status = text;
    if (this.#stopping || this.#cancelStatus !== undefined || this.#ports.send === undefined) return;
    void this.#sendStatus();
  }

  /** A text after every status from now on. Call with an empty text to remove it. */
  remark(text: string): void {
    this.#remark = text === '' ? '' : ` · ${text}`;
  }

  /** The daemon stops. After this, only extendTimeout() and watchdog() still send. */
  stopping(status: string): Promise<void> {
    this.#stopping = true;
    this.#cancelStatus?.();
    return this.#message('STOPPING=1', this.#statusLine(status));
  }

  /** A sign of life. Only Health may call this. */
  async watchdog(): Promise<void> {
    // If messages leave more slowly than pings come, one ping in the queue is enough.
    if (this.#pingWaiting) return;
    this.#pingWaiting = true;
    await this.#message('WATCHDOG=1');
    this.#pingWaiting = false;
  }

  /** Asks for `ms` more milliseconds, from now, before a start or a stop counts as failed. */
  extendTimeout(ms: number): Promise<void> {
    return this.#message(`EXTEND_TIMEOUT_USEC=${Math.round(ms * 1000)}`);
  }

  async #sendStatus(): Promise<void> {
    const line = this.#statusLine(this.#status ?? '');
    this.#status = undefined;
    if (line === this.#shown) return;
    this.#cancelStatus = () => undefined;
    await this.#message(line);
    if (this.#stopping) return;
    this.#cancelStatus = this.#ports.clock.schedule(STATUS_INTERVAL_MS, () => {
      this.#cancelStatus = undefined;
      if (this.#status !== undefined) void this.#sendStatus();
    });
  }

  /** One line, because each line of a message is a variable of its own. */
  #statusLine(text: string): string {
    return `STATUS=${printable(this.#ports.redact(text + this.#remark))}`;
  }

  #message(...variables: string[]): Promise<void> {
    const { send } = this.#ports;
    if (send === undefined) return Promise.resolve();
    this.#shown = variables.find((variable) => variable.startsWith('STATUS=')) ?? this.#shown;
    this.#lastSent = this.#lastSent.then(async () => {
      try {
        await send(variables);
        this.#failed = false;
      } catch (error) {
        // Logged once until it works again; otherwise it would be logged every few seconds.
        if (!this.#failed)
          this.#ports.log.warn({ event: 'notifyFailed', error }, `cannot notify systemd: ${error}`);
        this.#failed = true;
      }
    });
    return this.#lastSent;
  }
}

/**
 * Sends one datagram. A leading @ stands for the zero byte of an abstract socket. The process waits
 * a moment, because the manager finds the unit by the sender's PID.
 */
const PERL = String.raw`use Socket; my $s; my $to = $ENV{NOTIFY_SOCKET}; $to =~ s/^@/\0/;
socket($s, AF_UNIX, SOCK_DGRAM, 0) && send($s, join("\n", @ARGV), 0, pack_sockaddr_un($to)) or die "$!\n";
select undef, undef, undef, 0.2`;

/**
 * Sends through systemd-notify(1) if `notifySocket` (the manager's NOTIFY_SOCKET) is given. If that
 * is not installed, as in most containers, it sends through perl. Both are looked for in `path`.
 */
export function sendBySystemdNotify(
  notifySocket: string | undefined,
  path = '/usr/bin:/bin',
): SendToManager | undefined {
  if (notifySocket === undefined || notifySocket === '') return undefined;
  const ports = {
    // The command needs nothing else of our environment, which may hold credentials.
    env: { NOTIFY_SOCKET: notifySocket, PATH: path },
    timeout: COMMAND_TIMEOUT_MS,
  };
  const run = (command: string, args: readonly string[]) =>
    new Promise<void>((resolve, reject) => {
      execFile(command, args, ports, (error, _stdout, stderr) => {
        if (error === null) resolve();
        else reject(notifyFault(error, stderr));
      });
    });
  let isMissing = false;
  return async (variables) => {
    if (!isMissing) {
      try {
        // Without --no-block, because the manager finds the unit by the sender's PID, which must
        // live until then. Without --pid, because the parent, which is this process, is the
        // default. An unprivileged sender appears as itself, which is why the unit has
        // NotifyAccess=all.
        return await run('systemd-notify', ['--', ...variables]);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'ENOENT') throw error;
        isMissing = true;
      }
    }
    return run('perl', ['-e', PERL, '--', ...variables]);
  };
}

function notifyFault(error: Error, stderr: string): Fault {
  const reason = stderr.trim() || error.message;
  const code = errnoOf(error);
  return new Fault('transient', reason, {
    operation: 'notify',
    subject: 'systemd',
    cause: error,
    ...(code === undefined ? {} : { code }),
  });
}
