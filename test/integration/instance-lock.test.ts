// One instance per spool, with real sockets and real processes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, renameSync } from 'node:fs';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connectToInstance, InstanceLock, type Serve } from '../../src/spool/instance-lock.ts';
import { SpoolDirectory } from '../../src/spool/spool-directory.ts';
import { test } from '../support/nothing-left.ts';
import { TemporarySpool } from '../support/temporary-spool.ts';

const HELD = /another halfpipe \(pid \d+\) drains the spool/;

/** Another process that takes the lock of `path`. */
async function holder(t: TestContext, path: string) {
  const modules = new URL('../../src/spool/', import.meta.url);
  const program = `
    const { SpoolDirectory } = await import(${JSON.stringify(new URL('spool-directory.ts', modules).href)});
    const { InstanceLock } = await import(${JSON.stringify(new URL('instance-lock.ts', modules).href)});
    await InstanceLock.acquire(await SpoolDirectory.open(${JSON.stringify(path)}));
    console.log('held');`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(end);
  await once(child.stdout, 'data');
  return { child, end };
}

test('refuses a second instance, with the process id of the first', async (t) => {
  const disk = await TemporarySpool.create(t);
  const lock = await InstanceLock.acquire(await disk.open(t));
  t.after(() => lock.release());
  await assert.rejects(InstanceLock.acquire(await disk.open(t)), {
    faultClass: 'breaker',
    code: 'EADDRINUSE',
    message: `another halfpipe (pid ${process.pid}) drains the spool ${disk.path}: stop it first, or give this one its own spool`,
  });
  assert.equal((await stat(join(disk.path, '.halfpipe/control.sock'))).mode & 0o777, 0o600);
});

test('can be taken again once released, and leaves nothing behind', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  await (await InstanceLock.acquire(spool)).release();
  await (await InstanceLock.acquire(spool)).release();
  assert.deepEqual(await disk.kept(), []);
  await assert.rejects(stat(join(disk.path, '.halfpipe/control.sock')), { code: 'ENOENT' });
});

test('takes over from a process that was killed, and refuses while one is only suspended', async (t) => {
  const disk = await TemporarySpool.create(t);
  const { child, end } = await holder(t, disk.path);
  const spool = await disk.open(t);
  child.kill('SIGSTOP');
  await assert.rejects(InstanceLock.acquire(spool), HELD);
  await end();
  const lock = await InstanceLock.acquire(spool);
  await assert.rejects(InstanceLock.acquire(spool), HELD);
  assert.deepEqual(await readdir(join(disk.path, '.halfpipe/tmp')), [], 'no socket is left on the way');
  assert.equal(await lock.isOf(spool), true);
  await lock.release();
});

test('lets only one of many have a spool whose last holder was killed', async (t) => {
  const disk = await TemporarySpool.create(t);
  await (await holder(t, disk.path)).end();
  const spool = await disk.open(t);
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => InstanceLock.acquire(spool)));
  const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  t.after(() => Promise.all(locks.map((lock) => lock.release())));
  assert.equal(locks.length, 1);
});

test('clears what a crash left half-written, but only once it has the spool to itself', async (t) => {
  const disk = await TemporarySpool.create(t);
  const lock = await InstanceLock.acquire(await disk.open(t));
  await writeFile(join(disk.path, '.halfpipe/tmp/half'), 'written');
  const spool = await disk.open(t);
  await assert.rejects(InstanceLock.acquire(spool), HELD);
  assert.deepEqual(await disk.kept(), ['pid', 'tmp/half']);
  await lock.release();
  await (await InstanceLock.acquire(spool)).release();
  assert.deepEqual(await disk.kept(), []);
});

test('does not take away the socket of the instance that came after it', async (t) => {
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  const servers: Server[] = [];
  const first = await InstanceLock.acquire(spool, (server) => servers.push(server));
  for (const server of servers) await once(server.close(), 'close');
  const second = await InstanceLock.acquire(spool);
  t.after(() => second.release());
  await first.release();
  await assert.rejects(InstanceLock.acquire(spool), HELD);
});

const hello: Serve = (server) => server.on('connection', (socket) => socket.end('hello'));

async function answerAt(path: string): Promise<string> {
  const [answer] = await once(await connectToInstance(path), 'data');
  return String(answer);
}

test('serves whoever connects as soon as the socket can be found', async (t) => {
  // Regression: a connection that came while the rest of the start was under way was never answered.
  const disk = await TemporarySpool.create(t);
  const spool = await disk.open(t);
  let answer = '';
  const lock = await InstanceLock.acquire(
    {
      path: spool.path,
      openPrivate: () => spool.openPrivate(),
      clearTemporaries: async () => {
        answer = await answerAt(disk.path);
      },
    },
    hello,
  );
  t.after(() => lock.release());
  assert.equal(answer, 'hello');
});

test('serves in a spool with a long path', async (t) => {
  const disk = await TemporarySpool.create(t);
  const path = join(disk.path, 'n'.repeat(200));
  await mkdir(path);
  const spool = await SpoolDirectory.open(path);
  t.after(() => spool.close());
  const lock = await InstanceLock.acquire(spool, hello);
  t.after(() => lock.release());
  assert.equal(await answerAt(path), 'hello');
});

/** A spool on a file system that has no sockets: /proc stands for it where one is to be made. */
async function withoutSockets(disk: TemporarySpool, t: TestContext) {
  const spool = await disk.open(t);
  return {
    path: spool.path,
    clearTemporaries: () => spool.clearTemporaries(),
    openPrivate: async () => {
      const home = await spool.openPrivate();
      const at = home.at.bind(home);
      home.at = (name) =>
        `${name}`.startsWith('tmp/') && `${name}`.endsWith('.sock') ? Buffer.from('/proc/no.sock') : at(name);
      return home;
    },
  };
}

test('a file system without sockets is locked by its folder, and its instance is found all the same', async (t) => {
  const disk = await TemporarySpool.create(t);
  const serve: Serve = (server) => server.on('connection', (socket) => socket.end('here'));
  const lock = await InstanceLock.acquire(await withoutSockets(disk, t), serve);
  await assert.rejects(InstanceLock.acquire(await withoutSockets(disk, t)), HELD);
  const spool = await disk.open(t);
  assert.equal(await lock.isOf(spool), true);
  const [answer] = await once(await connectToInstance(spool.path), 'data');
  assert.equal(`${answer}`, 'here');
  await lock.release();
  await assert.rejects(connectToInstance(spool.path), { code: 'ENOENT' });
  const next = await InstanceLock.acquire(await withoutSockets(disk, t));
  await next.release();
});

test('refuses while the holder is suspended and its queue of connections is full', async (t) => {
  const disk = await TemporarySpool.create(t);
  const { child, end } = await holder(t, disk.path);
  const spool = await disk.open(t);
  child.kill('SIGSTOP');
  const waiting: Socket[] = [];
  t.after(() => {
    for (const socket of waiting) socket.destroy();
  });
  let refusal: unknown;
  // The queue has 511 places, Node's default.
  while (refusal === undefined && waiting.length < 2_000)
    await connectToInstance(disk.path).then(
      // Its end resets them.
      (socket) => void waiting.push(socket.on('error', () => undefined)),
      (error: unknown) => {
        refusal = error;
      },
    );
  assert.equal((refusal as NodeJS.ErrnoException).code, 'EAGAIN');
  await assert.rejects(InstanceLock.acquire(spool), HELD);
  await end();
});

test('puts a live socket back that it moved away for the dead one it had found', async (t) => {
  const disk = await TemporarySpool.create(t);
  await (await holder(t, disk.path)).end();
  const spool = await disk.open(t);
  const home = await spool.openPrivate();
  t.after(() => home.close());
  const live = createServer((socket) => socket.on('error', () => undefined).end('the quicker one'));
  t.after(() => live.close());
  live.listen(home.at('quicker.sock').toString());
  await once(live, 'listening');
  // The quicker one takes the name after the dead socket was asked, and before it is moved away.
  const late = {
    path: spool.path,
    clearTemporaries: () => spool.clearTemporaries(),
    openPrivate: async () => {
      const opened = await spool.openPrivate();
      const at = opened.at.bind(opened);
      const temporaries = new Set<string>();
      opened.at = (name) => {
        if (/^tmp\/.*\.sock$/.test(`${name}`)) temporaries.add(`${name}`);
        const isMovedAway = temporaries.size === 2 && existsSync(at('quicker.sock'));
        if (isMovedAway) renameSync(at('quicker.sock'), at('control.sock'));
        return at(name);
      };
      return opened;
    },
  };
  await assert.rejects(InstanceLock.acquire(late), HELD);
  assert.equal(await answerAt(disk.path), 'the quicker one');
});
