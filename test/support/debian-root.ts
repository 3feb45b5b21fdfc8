// The root folders of fresh Debian systems, for system tests: made once with mmdebstrap, kept for all later runs of this
// machine, and never written to. A test mounts what it needs on top (FreshRoot), or boots it (BootedMachine).
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEPT_FOLDERS, keptFolder } from './kept-folder.ts';

export type DebianRelease = 12 | 13;

const SUITES: Readonly<Record<DebianRelease, string>> = { 12: 'bookworm', 13: 'trixie' };
/** What a small server has besides the essential packages. No curl, no Node.js, no procps. */
const SERVER = ['systemd-sysv', 'dbus', 'iproute2', 'ca-certificates', 'man-db'];

/** Why no root can be made here, or false. */
export function cannotMakeRoot(): string | false {
  if (process.getuid?.() !== 0) return 'making a Debian root needs root';
  return spawnSync('mmdebstrap', ['--version']).status !== 0 && 'mmdebstrap is not installed';
}

/**
 * A Debian server as its installation leaves it, with `packages` in addition: a value for overlayfs's lowerdir=. The first
 * call on a machine takes most of a minute; that for more packages only as long as apt takes.
 */
export function debianRoot(release: DebianRelease, packages: readonly string[] = []): string {
  const suite = SUITES[release];
  const base = keptFolder(`debian-${release}`, [suite, ...SERVER], (folder) => {
    execFileSync('mmdebstrap', [
      '--quiet',
      '--variant=minbase',
      '--dpkgopt=force-unsafe-io',
      `--include=${SERVER.join(',')}`,
      suite,
      folder,
    ]);
    // mmdebstrap copies this machine's; and an empty identity lets systemd make up a new one.
    for (const name of ['hostname', 'resolv.conf']) rmSync(join(folder, 'etc', name), { force: true });
    writeFileSync(join(folder, 'etc/machine-id'), '');
  });
  if (packages.length === 0) return base;
  const more = keptFolder(`debian-${release}-more`, [base, ...packages], (folder) => {
    const root = FreshRoot.mount(base, { upper: folder });
    try {
      installInto(root, packages);
    } finally {
      root.unmount();
    }
  });
  return `${more}:${base}`;
}

/** A root that may be written to. `layers` stay as they are. */
export class FreshRoot {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'root');
  }

  /**
   * `layers` is a value for overlayfs's lowerdir=. What is written goes to `upper`, an empty folder, or without that to
   * memory, and is lost. `prepare` gets the upper layer before it is mounted.
   */
  static mount(
    layers: string,
    { upper, prepare }: { readonly upper?: string; readonly prepare?: (upper: string) => void } = {},
  ): FreshRoot {
    const root = new FreshRoot(
      mkdtempSync(join(upper === undefined ? tmpdir() : KEPT_FOLDERS, 'halfpipe-root-')),
    );
    const memory = join(root.#folder, 'memory');
    for (const folder of [memory, root.path]) mkdirSync(folder);
    if (upper === undefined)
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3g,mode=755', 'halfpipe-root', memory]);
    const [written, work] = [upper ?? join(memory, 'upper'), join(memory, 'work')];
    for (const folder of [written, work]) mkdirSync(folder, { recursive: true });
    prepare?.(written);
    const options = `lowerdir=${layers},upperdir=${written},workdir=${work}`;
    execFileSync('mount', ['-t', 'overlay', '-o', options, 'halfpipe-root', root.path]);
    return root;
  }

  /** Ends nothing that still runs in there. */
  unmount(): void {
    for (const mount of ['root', 'memory']) spawnSync('umount', [join(this.#folder, mount)]);
    rmSync(this.#folder, { recursive: true });
  }
}

function installInto({ path }: FreshRoot, packages: readonly string[]): void {
  const within = (file: string) => join(path, file);
  copyFileSync('/etc/resolv.conf', within('etc/resolv.conf'));
  copyFileSync('/etc/hosts', within('etc/hosts'));
  // No service is started here; they start when the machine boots.
  writeFileSync(within('usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const script = `mount -t proc proc /proc && trap 'umount /proc' EXIT
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -q -y --no-install-recommends "$@" && apt-get clean
    rm -r /var/lib/apt/lists/*`;
  execFileSync('chroot', [path, 'sh', '-ec', script, 'sh', ...packages], { stdio: 'pipe' });
  for (const file of ['etc/resolv.conf', 'usr/sbin/policy-rc.d']) rmSync(within(file));
}
