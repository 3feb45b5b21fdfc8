// A machine with a real systemd for system tests: systemd-nspawn over this system's own /usr, or over a fresh Debian, in a
// root of its own that lives in memory, on a network of its own with a veth to us. What is done there reaches neither our
// files nor our network.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FreshRoot } from './debian-root.ts';

/** Far more than booting takes (half a second), even on a busy machine. */
const BOOT_PATIENCE_MS = 30_000;
/** What is left of this system's root: programs and their data, but nothing anybody did here. */
const KEPT = /^(bin|sbin|lib\w*|usr|etc|var)$/;
const MASKED = [
  'usr/local',
  'usr/bin/node',
  'usr/bin/nodejs',
  // A minimal Debian has no procps.
  'usr/bin/kill',
  // Images for containers forbid packages to start and stop services by it.
  'usr/sbin/policy-rc.d',
  'etc/systemd/system',
  'etc/fstab',
  'etc/hostname',
  'var/log',
  'var/spool',
  'var/cache',
];
const MADE = [
  'proc',
  'sys',
  'dev',
  'run',
  'root',
  'home',
  'srv',
  'tmp',
  'etc/systemd/system',
  'var/log/journal',
  'var/spool',
  'var/cache',
  'usr/local',
];

const ENVIRONMENT = [
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'TERM=dumb',
  'LC_ALL=C.UTF-8',
  'SYSTEMD_PAGER=',
];

export interface CommandResult {
  readonly status: number | null;
  readonly stdout: string;
  /** Both streams. */
  readonly output: string;
}

/** Why a machine cannot be booted here, or false. */
export function cannotBoot(): string | false {
  if (process.getuid?.() !== 0) return 'booting a machine needs root';
  for (const [tool, ...args] of [
    ['systemd-nspawn', '--version'],
    ['ip', '-V'],
    ['dpkg-deb', '--version'],
  ] as const)
    if (spawnSync(tool, args).status !== 0) return `${tool} is not installed`;
  return false;
}

export class BootedMachine {
  /** Our address and the machine's on the veth between us. */
  readonly hostAddress: string;
  readonly #name: string;
  readonly #root: FreshRoot;
  #nspawn: ChildProcess | undefined;
  #console = '';

  private constructor(layers: string | undefined) {
    // Two runs at once must not meet: names and the net (of 198.18.0.0/15, RFC 2544's for tests) follow from the PID.
    this.#name = `hp${process.pid}`;
    this.hostAddress = `${subnet(process.pid)}.1`;
    this.#root = layers === undefined ? rootOfThisSystem() : FreshRoot.mount(layers);
  }

  /** `layers` are a `debianRoot`; without them the machine has this system's own programs. */
  static async boot(layers?: string): Promise<BootedMachine> {
    const machine = new BootedMachine(layers);
    try {
      machine.#makeNetwork();
      // Servers that look up their own name wait for a name service otherwise, which is not there.
      appendFileSync(machine.path('etc/hosts'), `127.0.1.1 ${machine.#name}\n`);
      machine.#start();
      await machine.#booted();
      return machine;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  /** The machine's files, seen from here. Not /tmp of Debian 13, which is in memory of its own. */
  path(file: string): string {
    return join(this.#root.path, file);
  }

  /** Runs a shell script as the machine's root. Meanwhile we go on: it may talk to a server in this process. */
  run(script: string): Promise<CommandResult> {
    // Only what a root shell there would have: neither our environment nor our folder.
    const inside = ['-t', String(this.#leader()), '-a', 'env', '-i', ...ENVIRONMENT, 'sh', '-c', script];
    const options = { cwd: '/', maxBuffer: 256 * 1024 * 1024 };
    return new Promise((resolve) => {
      const child = execFile('nsenter', inside, options, (_error, stdout, stderr) =>
        resolve({ status: child.exitCode, stdout, output: `${stdout}${stderr}` }),
      );
    });
  }

  /** As `run`, for what must succeed. Returns what was printed. */
  async must(script: string): Promise<string> {
    const { status, stdout, output } = await this.run(script);
    assert.equal(status, 0, `${script}\n${output}`);
    return stdout.trimEnd();
  }

  /** Bytes the machine has sent to us. */
  sentBytes(): number {
    return Number(readFileSync(`/sys/class/net/${this.#name}/statistics/rx_bytes`, 'utf8'));
  }

  /** Shuts down in order and boots again; everything on disk stays. */
  async reboot(): Promise<void> {
    const nspawn = this.#nspawn;
    assert.ok(nspawn !== undefined);
    const down = once(nspawn, 'exit');
    await this.run('systemctl --no-block reboot');
    // With --keep-unit it leaves booting again to whoever started it.
    await down;
    this.#start();
    await this.#booted();
  }

  async destroy(): Promise<void> {
    const nspawn = this.#nspawn;
    if (nspawn !== undefined && nspawn.exitCode === null && nspawn.signalCode === null) {
      const gone = once(nspawn, 'exit');
      await this.run('systemctl --no-block poweroff');
      const late = await Promise.race([gone.then(() => false), delay(20_000, true, { ref: false })]);
      if (late) {
        nspawn.kill('SIGKILL');
        await gone;
      }
    }
    this.#root.unmount();
    spawnSync('ip', ['link', 'del', this.#name]);
    spawnSync('ip', ['netns', 'del', this.#name]);
  }

  #makeNetwork(): void {
    const name = this.#name;
    const net = subnet(process.pid);
    const ip = (...args: string[]) => execFileSync('ip', args);
    ip('netns', 'add', name);
    ip('link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('address', 'add', `${this.hostAddress}/30`, 'dev', name);
    ip('link', 'set', name, 'up');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'address', 'add', `${net}.2/30`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', this.hostAddress);
  }

  #start(): void {
    // Neither machined nor a scope: we may not be under a systemd ourselves.
    const options = ['--register=no', '--keep-unit', `--machine=${this.#name}`, '--console=pipe', '--boot'];
    const nspawn = ['systemd-nspawn', '--directory', this.#root.path, ...options];
    // Not nspawn's own --network-namespace-path=: with that, the machine's /sys shows the network cards of this system.
    const command = [`--net=/run/netns/${this.#name}`, ...nspawn];
    this.#nspawn = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#nspawn.stdout, this.#nspawn.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#console += text;
      });
  }

  /** The machine's PID 1, as we see it; 0 while there is none. */
  #leader(): number {
    const pid = this.#nspawn?.pid ?? 0;
    try {
      return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
    } catch {
      return 0;
    }
  }

  async #booted(): Promise<void> {
    const deadline = Date.now() + BOOT_PATIENCE_MS;
    while (Date.now() < deadline) {
      if (this.#leader() !== 0) {
        const state = (await this.run('systemctl is-system-running')).stdout.trim();
        if (state === 'running' || state === 'degraded') return;
      }
      await delay(100);
    }
    assert.fail(`the machine did not boot:\n${this.#console}`);
  }
}

function subnet(pid: number): string {
  return `198.${18 + ((pid >> 8) & 1)}.${pid & 255}`;
}

/** An overlay: reads what this system has, but for what is masked, and writes to memory. */
function rootOfThisSystem(): FreshRoot {
  const strangers = execFileSync('ls', ['-A', '/'], { encoding: 'utf8' }).trim().split('\n');
  const masked = [...strangers.filter((name) => !KEPT.test(name)), ...MASKED];
  const root = FreshRoot.mount('/', {
    prepare: (upper) => {
      for (const path of masked) {
        mkdirSync(join(upper, path, '..'), { recursive: true });
        // A whiteout: to overlayfs this name does not exist below.
        execFileSync('mknod', [join(upper, path), 'c', '0', '0']);
      }
    },
  });
  for (const path of MADE) mkdirSync(join(root.path, path), { recursive: true });
  chmodSync(join(root.path, 'tmp'), 0o1777);
  // Empty: systemd makes up a new identity.
  writeFileSync(join(root.path, 'etc/machine-id'), '');
  return root;
}
