// What a terminal would show: text, line feeds, cursor up, carriage return and the three ways to erase.
import { EventEmitter } from 'node:events';

const ESC = '\x1b';
/** An escape sequence, a line feed, a carriage return, or text. */
const TOKEN = new RegExp(`${ESC}\\[[?\\d;]*[A-Za-z]|\\n|\\r|[^${ESC}\\n\\r]+`, 'g');

export class FakeTerminal extends EventEmitter {
  readonly isTTY = true;
  columns = 80;
  rows = 24;
  cursorVisible = true;
  #lines: string[] = [''];
  #row = 0;

  write(text: string): boolean {
    for (const [token] of text.matchAll(TOKEN)) this.#take(token);
    return true;
  }

  get screen(): string {
    return this.#lines.join('\n').trimEnd();
  }

  #take(token: string): void {
    if (token === '\n') {
      this.#row += 1;
      this.#lines[this.#row] ??= '';
    } else if (token.startsWith('\x1b[') && token.endsWith('A'))
      this.#row -= Number.parseInt(token.slice(2), 10);
    else if (token === '\x1b[J') this.#lines.length = this.#row + 1;
    else if (token === '\x1b[2J') this.#lines = [''];
    else if (token === '\x1b[H') this.#row = 0;
    else if (token === '\x1b[?25l' || token === '\x1b[?25h') this.cursorVisible = token.endsWith('h');
    else if (!token.startsWith('\x1b') && token !== '\r') this.#lines[this.#row] = token;
    if (token === '\x1b[J') this.#lines[this.#row] = '';
  }
}
