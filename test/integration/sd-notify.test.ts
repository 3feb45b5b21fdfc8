import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { sendBySystemdNotify } from '../../src/service/sd-notify.ts';
import { kernelMonotonicUsec } from '../../src/system/clock.ts';
import { Fault } from '../../src/system/fault.ts';
import { test } from '../support/nothing-left.ts';

// Plays the service manager: prints each datagram as JSON, and closes the descriptor of a BARRIER=1, which
// is what systemd-notify waits for (sd_notify_barrier(3)).
const MANAGER = `
import array, json, os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print(json.dumps("bound"), flush=True)
while True:
    data, ancillary, _, _ = manager.recvmsg(4096, socket.CMSG_SPACE(4))
    for _, _, content in ancillary:
        os.close(array.array("i", content)[0])
    print(json.dumps(data.decode()), flush=True)
`;

const missing = ['python3', 'systemd-notify'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
const skip = missing.length > 0 && `needs ${missing.join(' and ')}`;

async function fakeManager(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-notify-'));
  const socket = join(folder, 'notify');
  const manager = spawn('python3', ['-c', MANAGER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const received: string[] = [];
  t.after(async () => {
    manager.kill();
    await once(manager, 'exit');
    rmSync(folder, { recursive: true });
  });
  const lines = createInterface(manager.stdout);
  const bound = once(lines, 'line');
  lines.on('line', (line) => received.push(JSON.parse(line)));
  await bound;
  const messages = async () => {
    while (received.at(-1) !== 'BARRIER=1') await once(lines, 'line');
    return received.filter((message) => message !== 'bound' && message !== 'BARRIER=1');
  };
  return { socket, messages, received };
}

test('the manager gets all variables of a message at once', { skip }, async (t) => {
  const { socket, messages } = await fakeManager(t);
  await sendBySystemdNotify(socket)?.(['RELOADING=1', 'MONOTONIC_USEC=42', 'STATUS=--help · "50 %" $HOME']);
  assert.deepEqual(await messages(), ['RELOADING=1\nMONOTONIC_USEC=42\nSTATUS=--help · "50 %" $HOME']);
});

test('a manager that is not there is a fault with its reason', { skip }, async () => {
  await assert.rejects(
    sendBySystemdNotify('/nonexistent/notify')?.(['READY=1']) ?? Promise.resolve(),
    (error) => {
      assert.ok(error instanceof Fault);
      assert.match(error.message, /No such file or directory/);
      return true;
    },
  );
});

test('nothing is sent unless a manager asked for it', () => {
  assert.equal(sendBySystemdNotify(undefined), undefined);
  assert.equal(sendBySystemdNotify(''), undefined);
});

test('the time of a reload is on the clock systemd compares it with', { skip }, () => {
  const before = kernelMonotonicUsec();
  const theirs = BigInt(
    execFileSync('python3', ['-c', 'import time; print(time.monotonic_ns() // 1000)'], {
      encoding: 'utf8',
    }).trim(),
  );
  assert.ok(before <= theirs && theirs <= kernelMonotonicUsec());
});

test('without systemd-notify the message leaves all the same', { skip }, async (t) => {
  const { socket, received } = await fakeManager(t);
  const path = mkdtempSync(join(tmpdir(), 'halfpipe-path-'));
  t.after(() => rmSync(path, { recursive: true }));
  symlinkSync('/usr/bin/perl', join(path, 'perl'));
  const send = sendBySystemdNotify(socket, path);
  await send?.(['READY=1', 'STATUS=--help · "50 %" $HOME']);
  await send?.(['WATCHDOG=1']);
  assert.deepEqual(received.slice(1), ['READY=1\nSTATUS=--help · "50 %" $HOME', 'WATCHDOG=1']);
});
