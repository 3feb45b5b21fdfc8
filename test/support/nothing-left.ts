// One check for a whole kind of mistake: everything that a test opened is closed when it ends. It compares descriptors, listeners
// on the process and on abort signals, and what keeps the event loop alive, before and after each test of a file.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { test as plainTest, type TestContext, type TestOptions } from 'node:test';
import { systemClock } from '../../src/system/clock.ts';

export type TestBody = (t: TestContext) => Promise<void> | void;

/** As `test` of node:test, and fails when more is open after the test and its hooks than before. */
export function test(title: string, body: TestBody): void;
export function test(title: string, options: TestOptions, body: TestBody): void;
export function test(title: string, ...rest: [TestBody] | [TestOptions, TestBody]): void {
  const [options, body] = rest.length === 1 ? [{}, rest[0]] : rest;
  void plainTest(title, options, async (t) => {
    const before = held();
    signals.clear();
    try {
      await body(t);
    } finally {
      // Registered last, so that it runs after what the test itself closes.
      t.after(() => requireNothingLeft(before));
    }
  });
}

/** What is open, by its kind, with one entry for each. */
type Held = readonly string[];

/** Closing is asynchronous: a socket needs some turns of the loop, and a thread some milliseconds. */
const LOOKS_MAX = 100;
const BETWEEN_LOOKS_MS = 20;

export async function requireNothingLeft(before: Held): Promise<void> {
  let left = more(held(), before);
  for (let look = 0; left.length > 0 && look < LOOKS_MAX; look++) {
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
    left = more(held(), before);
  }
  assert.deepEqual(left, [], 'the test leaves something open');
}

/** Descriptors, listeners, active resources and timers of this moment. */
export function held(): Held {
  return [...descriptors(), ...processListeners(), ...abortListeners(), ...resources(), ...timers()];
}

/** libuv opens these once, at their first use, and keeps them. */
const KEPT_BY_LIBUV = new Set(['anon_inode:inotify', 'anon_inode:[eventpoll]', 'anon_inode:[io_uring]']);

function descriptors(): string[] {
  const folder = '/proc/self/fd';
  return readdirSync(folder).flatMap((descriptor) => {
    try {
      const target = readlinkSync(`${folder}/${descriptor}`);
      // This look itself, and the cache of tsx, which reads a source when it is imported.
      const isOurs =
        (target.endsWith('/fd') && target.startsWith('/proc/')) || /\/tsx-\d+(\/|$)/.test(target);
      return isOurs || KEPT_BY_LIBUV.has(target) ? [] : [`descriptor ${descriptor} of ${target}`];
    } catch {
      // The one by which the folder was read.
      return [];
    }
  });
}

function processListeners(): string[] {
  return process
    .eventNames()
    .flatMap((name) => Array(process.listenerCount(name)).fill(`listener on ${String(name)}`));
}

/** Signals of the tests: what src makes for one request goes with the request. */
const signals = new Set<AbortSignal>();
const Original = AbortController;
globalThis.AbortController = class extends Original {
  constructor() {
    super();
    // The first line is the message, the second this constructor.
    const [, , maker = ''] = new Error('made here').stack?.split('\n') ?? [];
    if (maker.includes('/test/')) signals.add(this.signal);
  }
};

function abortListeners(): string[] {
  return [...signals].flatMap((signal) =>
    signal.aborted ? [] : getEventListeners(signal, 'abort').map(() => 'listener on an abort signal'),
  );
}

/** What the clock still is to call. Node.js itself does not name timers that keep nothing alive. */
const scheduled = new Set<{ readonly ms: number }>();
const schedule = systemClock.schedule.bind(systemClock);
systemClock.schedule = (ms, callback) => {
  const due = { ms };
  scheduled.add(due);
  const cancel = schedule(ms, () => {
    scheduled.delete(due);
    callback();
  });
  return () => {
    scheduled.delete(due);
    cancel();
  };
};

function timers(): string[] {
  return [...scheduled].map(({ ms }) => `callback after ${ms} ms`);
}

/** Of what is under way only for a moment, as is a read of a file. */
const PASSING = /^(FS.*|Immediate|TickObject|.*ReqWrap)$/;

function resources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => !PASSING.test(kind));
}

/** What `now` has more often than `before`. */
export function more(now: Held, before: Held): string[] {
  const rest = [...before];
  return now.filter((it) => {
    const at = rest.indexOf(it);
    if (at !== -1) rest.splice(at, 1);
    return at === -1;
  });
}
