// Where the demo speaks: a live block on a terminal, plain lines every few seconds elsewhere.
import { LiveHistory } from '../../src/view/live-history.ts';
import { canRepaint, LiveScreen, wantsColor } from '../../src/view/live-screen.ts';
import { renderLive, renderPlain } from '../../src/view/live-view.ts';
import type { Snapshot } from '../../src/view/snapshot.ts';

const PLAIN_INTERVAL_MS = 5_000;

export class DemoView {
  readonly #out: NodeJS.WriteStream;
  readonly #history = new LiveHistory();
  #screen: LiveScreen | undefined;
  #plainDueMs = Number.NEGATIVE_INFINITY;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  show(snapshot: Snapshot, nowMs: number): void {
    this.#history.add(snapshot);
    if (canRepaint(this.#out, process.env)) this.#paint(snapshot);
    else if (nowMs >= this.#plainDueMs) {
      this.#plainDueMs = nowMs + PLAIN_INTERVAL_MS;
      this.say(renderPlain(snapshot));
    }
  }

  say(text: string): void {
    if (this.#screen === undefined) this.#out.write(`${text}\n`);
    else this.#screen.print(text);
  }

  /** Takes the live block away; what was said stays. */
  stop(): void {
    this.#screen?.stop();
    this.#screen = undefined;
  }

  #paint(snapshot: Snapshot): void {
    if (this.#screen === undefined) {
      this.#screen = new LiveScreen(this.#out);
      this.#screen.start();
    }
    const options = {
      columns: this.#screen.columns,
      // What was said before stays in sight.
      rows: Math.min(this.#screen.rows, 24),
      color: wantsColor(this.#out, process.env),
    };
    this.#screen.paint(renderLive(snapshot, this.#history, options));
  }
}
