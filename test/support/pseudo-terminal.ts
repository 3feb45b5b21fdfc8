// A command on a real pseudo-terminal, which script(1) makes: keys go in, and what the terminal would show is read. Without
// colours, because the terminal here knows none.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { FakeTerminal } from './fake-terminal.ts';

export class PseudoTerminal {
  /** The exit code. */
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcess;
  #written = '';

  constructor(
    command: readonly string[],
    { columns, rows }: { readonly columns: number; readonly rows: number },
  ) {
    const quoted = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    const script = `stty rows ${rows} cols ${columns}; exec ${quoted}`;
    this.#child = spawn('script', ['-qefc', script, '/dev/null'], {
      env: { ...process.env, SHELL: '/bin/sh', TERM: 'xterm', NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#written += text;
    });
    this.exit = once(this.#child, 'close').then(([code]) => code);
  }

  get screen(): string {
    return this.#terminal.screen;
  }

  get cursorVisible(): boolean {
    return this.#terminal.cursorVisible;
  }

  /** A sequence may arrive in two pieces, so all is read again. */
  get #terminal(): FakeTerminal {
    const terminal = new FakeTerminal();
    terminal.write(this.#written);
    return terminal;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
