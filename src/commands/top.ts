// `halfpipe top`: asks the running daemon again and again, and draws what it says.
import type { ReadStream, WriteStream } from 'node:tty';
import { fetchHistory, fetchSnapshot, giveOrder } from '../control/control-client.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { readService } from '../system/service.ts';
import { LiveHistory } from '../view/live-history.ts';
import { canRepaint, LiveScreen, wantsColor } from '../view/live-screen.ts';
import { renderLive, renderPlain } from '../view/live-view.ts';
import type { Snapshot } from '../view/snapshot.ts';
import { notRunningSince } from '../view/status-text.ts';
import { type AskContext, whyUnanswered } from './ask-daemon.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { Keyboard } from './keyboard.ts';
import { findSpoolPath } from './one-setting.ts';
import { TopKeys } from './top-keys.ts';

export interface TopContext extends AskContext {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
}

const SCREEN_EVERY_MS = 500;
const PLAIN_EVERY_MS = 5_000;
/** The daemon remembers this long by the second. */
const REMEMBERED_MS = 600_000;

/**
 * Runs until the signal aborts or the user quits. If the daemon ends, it goes on asking, and says
 * since when there is no answer. Resolves with 1 if no daemon answers the first time, or if this
 * user may not ask.
 */
export async function top(context: TopContext, signal: AbortSignal): Promise<ExitCode> {
  const { configFile, env, stdout, stderr } = context;
  const spoolPath = await findSpoolPath(context);
  const { unit } = readService(env);
  const history = new LiveHistory();
  const quit = new AbortController();
  const over = AbortSignal.any([signal, quit.signal]);
  const keys = new TopKeys({
    clock: systemClock,
    give: async (order) => {
      try {
        return await giveOrder(await connectToInstance(spoolPath), order);
      } catch (error) {
        throw new Error(whyUnanswered(error, spoolPath, configFile, unit).text, { cause: error });
      }
    },
    onQuit: () => quit.abort(),
  });
  const drawing = canRepaint(stdout, env) ? new Drawing(context, history, keys) : new PlainLines(stdout);
  let last: Snapshot | undefined;
  drawing.start();
  try {
    while (!over.aborted) {
      const answer = await ask(spoolPath);
      if (!(answer instanceof Error)) {
        if (last === undefined) await remember(history, spoolPath, drawing.everyMs);
        last = answer;
        history.add(answer);
        drawing.show(answer);
      } else if (last === undefined || errnoOf(answer) === 'EACCES') {
        drawing.stop();
        stderr.write(`halfpipe: ${whyUnanswered(answer, spoolPath, configFile, unit).text}\n`);
        return EXIT.failure;
      } else {
        history.addGap();
        drawing.lost(last, notRunningSince(last.takenAtMs, systemClock.wallMs(), unit));
      }
      await pause(drawing.everyMs, over);
    }
    return EXIT.ok;
  } finally {
    drawing.stop();
  }
}

/** The graph begins with what the daemon remembers; without that, it begins empty. */
async function remember(history: LiveHistory, spoolPath: string, everyMs: number): Promise<void> {
  const before = await connectToInstance(spoolPath)
    .then((connection) => fetchHistory(connection, REMEMBERED_MS))
    .catch(() => undefined);
  if (before !== undefined) history.begin(before, everyMs);
}

async function ask(spoolPath: string): Promise<Snapshot | Error> {
  try {
    return await fetchSnapshot(await connectToInstance(spoolPath));
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

/** On a terminal: the whole view, in place. */
class Drawing {
  readonly everyMs = SCREEN_EVERY_MS;
  readonly #screen: LiveScreen;
  readonly #color: boolean;
  readonly #history: LiveHistory;
  readonly #keys: TopKeys;
  readonly #keyboard: Keyboard;

  constructor({ stdin, stdout, env }: TopContext, history: LiveHistory, keys: TopKeys) {
    this.#screen = new LiveScreen(stdout);
    this.#color = wantsColor(stdout, env);
    this.#history = history;
    this.#keys = keys;
    this.#keyboard = new Keyboard(stdin, (key) => keys.press(key));
  }

  start(): void {
    this.#screen.start();
    this.#keyboard.start();
  }

  show(snapshot: Snapshot): void {
    this.#paint(snapshot, undefined);
  }

  lost(last: Snapshot, text: string): void {
    this.#paint(last, text);
  }

  stop(): void {
    this.#keyboard.stop();
    this.#screen.stop();
  }

  #paint(snapshot: Snapshot, lost: string | undefined): void {
    const { columns, rows } = this.#screen;
    const footer = this.#keyboard.isReading ? this.#keys.footer : [];
    const options = { columns, rows, color: this.#color, lost, footer };
    this.#screen.paint(renderLive(snapshot, this.#history, options));
  }
}

/** In a pipe or on a dumb terminal: a line for each answer, and one when the daemon is gone. */
class PlainLines {
  readonly everyMs = PLAIN_EVERY_MS;
  readonly #stdout: WriteStream;
  #isLost = false;

  constructor(stdout: WriteStream) {
    this.#stdout = stdout;
  }

  start(): void {
    this.#isLost = false;
  }

  show(snapshot: Snapshot): void {
    this.#isLost = false;
    this.#stdout.write(`${renderPlain(snapshot)}\n`);
  }

  lost(_last: Snapshot, text: string): void {
    if (!this.#isLost) this.#stdout.write(`${text}\n`);
    this.#isLost = true;
  }

  stop(): void {
    this.#isLost = false;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await systemClock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
