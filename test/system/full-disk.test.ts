// The file system of the spool runs out of room or turns read-only under the daemon. Draining is what frees it, so it
// must need none; and what cannot be removed now is neither lost nor sent again and again.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Config, DaemonFixture, type LogRecord } from '../support/daemon-fixture.ts';

const skip = process.getuid?.() !== 0 && 'needs root to mount';
const MIB = 1024 ** 2;

/** A daemon's spool on a small file system of its own. */
class SmallDisk {
  readonly fixture: DaemonFixture;
  #fillers = 0;

  private constructor(fixture: DaemonFixture) {
    this.fixture = fixture;
  }

  /** `use` runs on it; unmounted before the fixture removes its folder. */
  static async with(
    t: TestContext,
    options: string,
    use: (disk: SmallDisk) => Promise<void>,
    config: Config = {},
  ): Promise<void> {
    const fixture = await DaemonFixture.create(t, config);
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'halfpipe-test', fixture.spool]);
    try {
      await use(new SmallDisk(fixture));
    } finally {
      execFileSync('umount', ['-l', fixture.spool]);
    }
  }

  /** A complete file, written under a name that is ignored. */
  put(name: string, content: string | Buffer): void {
    const place = join(this.fixture.spool, name);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(`${place}.part`, content);
    renameSync(`${place}.part`, place);
  }

  /** What producers are still writing takes all the room there is: that for content, or inodes, too. */
  fill(what: 'blocks' | 'everything'): void {
    for (const bytes of what === 'blocks' ? [64 * 1024, 1] : [64 * 1024, 1, 0])
      while (this.#takes(bytes)) this.#fillers += 1;
  }

  /** The kernel refuses it as long as a file is open for writing, or open without a name: a matter of moments. */
  async remount(how: 'ro' | 'rw'): Promise<void> {
    const { spool } = this.fixture;
    const isDone = () => spawnSync('mount', ['-o', `remount,${how}`, spool]).status === 0;
    await this.fixture.until(`it is mounted ${how}`, isDone);
  }

  #takes(bytes: number): boolean {
    try {
      writeFileSync(join(this.fixture.spool, `${this.#fillers}.part`), Buffer.alloc(bytes, 1));
      return true;
    } catch (error) {
      assert.match(String(error), /ENOSPC/);
      return false;
    }
  }

  get fillers(): string[] {
    return Array.from({ length: this.#fillers + 1 }, (_, at) => `${at}.part`).filter((name) =>
      existsSync(join(this.fixture.spool, name)),
    );
  }
}

const SMALL = 'size=16m,nr_inodes=400';
const LARGE = Buffer.alloc(7 * MIB, 'large');

describe('a spool on a disk of its own', { concurrency: 2, skip }, () => {
  test('is drained while its disk is full, to the last block and the last inode', (t) =>
    SmallDisk.with(
      t,
      SMALL,
      async (disk) => {
        const { fixture } = disk;
        const daemon = fixture.start();
        await daemon.says('ready');
        await fixture.stopServer();
        disk.put('in/folders/of/its/own', 'small');
        disk.put('large', LARGE);
        disk.put('top', 'small');
        disk.fill('everything');
        await fixture.startServer();
        await fixture.untilDrained([
          ...disk.fillers,
          'in',
          'in/folders',
          'in/folders/of',
          'in/folders/of/its',
        ]);
        assert.deepEqual(fixture.keys(), ['in/folders/of/its/own', 'large', 'top']);
        assert.deepEqual(await fixture.object('large'), LARGE);
        assert.deepEqual(daemon.of('deferred'), []);
        assert.deepEqual(daemon.of('quarantined'), []);
        assert.equal(await daemon.stop(), 0);
        assert.deepEqual(
          (await fixture.kept()).filter((name) => !name.startsWith('spare/')),
          [],
        );
      },
      { s3: { partSize: '5 MiB' } },
    ));

  test('is drained by a daemon that starts on a full disk', (t) =>
    SmallDisk.with(t, 'size=4m', async (disk) => {
      const { fixture } = disk;
      const first = fixture.start();
      await first.says('ready');
      first.signal('SIGKILL');
      await first.exit;
      disk.put('a/b', 'one');
      disk.put('c', 'two');
      disk.fill('blocks');
      const daemon = fixture.start();
      await fixture.untilDrained([...disk.fillers, 'a']);
      assert.deepEqual(fixture.keys(), ['a/b', 'c']);
      const second = fixture.start();
      assert.equal(await second.exit, 1);
      const { msg } = await second.says('cannotStart');
      assert.ok(String(msg).includes(`(pid ${daemon.pid})`), 'and its lock tells who holds it');
      assert.equal(await daemon.stop(), 0);
    }));

  test('where there is no room to pack small files, they are sent by themselves, and nothing is left of the packet', (t) =>
    SmallDisk.with(
      t,
      SMALL,
      async (disk) => {
        const { fixture } = disk;
        const daemon = fixture.start();
        await daemon.says('ready');
        const names = Array.from({ length: 40 }, (_, at) => `${at}.jpg`);
        for (const name of names) disk.put(name, randomBytes(100_000));
        disk.fill('everything');
        const { why, code } = await daemon.says('packingRests');
        assert.deepEqual([why, code], ['unwritable', 'ENOSPC']);
        await fixture.untilDrained(disk.fillers);
        assert.deepEqual(fixture.keys(), names.toSorted());
        assert.deepEqual(daemon.of('quarantined'), []);
        assert.equal(await daemon.stop(), 0);
        assert.deepEqual(await fixture.kept(), []);
      },
      { packets: { enabled: true, maxDelay: '3 s' } },
    ));

  test('says what to do where it was never drained before and has no room at all, and starts once it has', (t) =>
    SmallDisk.with(t, SMALL, async (disk) => {
      const { fixture } = disk;
      disk.put('a', 'one');
      disk.fill('everything');
      const refused = fixture.start();
      assert.equal(await refused.exit, 1);
      assert.match(String(refused.of('cannotStart')[0]?.msg), /ENOSPC.*free a little space on the disk/);
      for (const name of disk.fillers.slice(0, 20)) rmSync(join(fixture.spool, name));
      const daemon = fixture.start();
      await fixture.untilDrained(disk.fillers);
      assert.deepEqual(fixture.keys(), ['a']);
      assert.equal(await daemon.stop(), 0);
    }));

  test('loses nothing while it is mounted read-only, says so once, and is drained once it is writable', (t) =>
    SmallDisk.with(t, SMALL, async (disk) => {
      const { fixture } = disk;
      const daemon = fixture.start();
      await daemon.says('ready');
      await fixture.stopServer();
      const names = Array.from({ length: 20 }, (_, at) => `file${at}`);
      for (const name of names) disk.put(name, `content of ${name}`);
      await disk.remount('ro');
      await fixture.startServer();
      const isAlarm = ({ level, error }: LogRecord) => level === 'warn' && /read-only/.test(String(error));
      const { error } = await daemon.says('deferred', isAlarm);
      assert.match(String(error), new RegExp(`the spool ${fixture.spool} is mounted read-only`));
      const puts = fixture.served.filter(({ method, url }) => method === 'PUT' && /file/.test(url));
      assert.deepEqual(puts, [], 'what cannot be removed is not sent');
      assert.deepEqual(await fixture.spooled(), names.toSorted());
      await disk.remount('rw');
      await fixture.untilDrained();
      for (const name of names) {
        assert.equal(String(await fixture.object(name)), `content of ${name}`);
        assert.equal(fixture.timesStored(name), 1);
      }
      assert.equal(daemon.of('deferred').filter(isAlarm).length, 1);
      assert.equal(await daemon.stop(), 0);
    }));
});
