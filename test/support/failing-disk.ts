// Makes one call of node:fs/promises fail, or runs something before it, for the rest of a test, also in the spool code.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import type { TestContext } from 'node:test';

type Call = 'link' | 'rename' | 'unlink';

/** Undefined: the system's own answer. */
export type Before = () => void;

/** Of the call that blocks as well, which is made where the disk answers from memory. */
export function beforeEach(t: TestContext, call: Call, before: Before): void {
  const methods: Record<Call, (...args: never[]) => Promise<void>> = fs.promises;
  const system = methods[call];
  t.mock.method(methods, call, async (...args: never[]) => {
    before();
    return system(...args);
  });
  beforeEachNow(t, `${call}Sync`, before);
}

export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Fails with this code until what it returns is called. */
export function failing(t: TestContext, call: Call, code: string): () => void {
  let isBroken = true;
  beforeEach(t, call, () => {
    if (isBroken) throw systemError(code);
  });
  return () => {
    isBroken = false;
  };
}

type BlockingCall = 'linkSync' | 'writeSync' | 'openSync' | 'renameSync' | 'unlinkSync';

/** As beforeEach(), for a call that blocks: `before` gets its arguments. */
export function beforeEachNow(t: TestContext, call: BlockingCall, before: (...args: never[]) => void): void {
  const methods: Record<BlockingCall, (...args: never[]) => unknown> = fs;
  const system = methods[call];
  t.mock.method(methods, call, (...args: never[]) => {
    before(...args);
    return system(...args);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
}

type HandleMethod = 'chmod' | 'stat' | 'sync';

/** From now on this is answered for every open file and folder. */
export async function refusing(t: TestContext, method: HandleMethod, code: string): Promise<void> {
  const some = await fs.promises.open('/dev/null');
  const methods: Record<HandleMethod, () => Promise<unknown>> = Object.getPrototypeOf(some);
  await some.close();
  t.mock.method(methods, method, () => Promise.reject(systemError(code)));
}

/** The `nth` sync of a file or a folder from now on fails. What is returned ends that, and tells whether there was one. */
export async function refusingSync(t: TestContext, nth: number): Promise<() => boolean> {
  const some = await fs.promises.open('/dev/null');
  const methods: Record<'sync', () => Promise<unknown>> = Object.getPrototypeOf(some);
  await some.close();
  const { sync } = methods;
  let syncs = 0;
  t.mock.method(methods, 'sync', function (this: unknown) {
    syncs += 1;
    return syncs === nth ? Promise.reject(systemError('EIO')) : sync.call(this as typeof methods);
  });
  return () => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
    return syncs >= nth;
  };
}
