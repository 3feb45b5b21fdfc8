// A file system on a loop device whose power can be cut. The device's own file lies on a second file system: while that one
// is frozen, nothing reaches the device, and a copy of the file is what the disk holds at that moment, with what is still
// in memory missing. A plain copy would take some milliseconds, and mix what was written before with what came after.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const DISK_MIB = 96;
const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  ext4: [],
  // A second mount of the same file system would be refused while its log is new.
  xfs: ['-o', 'nouuid'],
  btrfs: [],
};
/** mkfs.xfs refuses less than 300 MB; btrfs sets aside much for its own. */
const SIZE_MIB: Readonly<Record<string, number>> = { xfs: 320, btrfs: 512 };

/** What it says. */
function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' }).trim();
}

export class LoopDisk {
  /** Where the file system is mounted. */
  readonly path: string;
  readonly #kind: string;
  readonly #base: string;
  readonly #outside: string;
  readonly #copy: string;
  #life = 0;
  #device = '';

  /** Empty, with default options, and mounted. */
  constructor(kind = 'ext4') {
    if (OPTIONS[kind] === undefined) throw new TypeError(`one of ${Object.keys(OPTIONS).join(', ')}`);
    this.#kind = kind;
    this.#base = mkdtempSync('/dev/shm/halfpipe-power-');
    this.#outside = join(this.#base, 'outside');
    this.#copy = join(this.#base, 'copy');
    this.path = join(this.#base, 'mounted');
    const sizeMib = SIZE_MIB[kind] ?? DISK_MIB;
    const outer = join(this.#base, 'outer');
    for (const folder of [this.#outside, this.path]) mkdirSync(folder);
    run('truncate', '-s', `${2 * sizeMib + 64}M`, outer);
    run('mkfs.ext4', '-q', outer);
    run('mount', '-o', 'loop', outer, this.#outside);
    run('truncate', '-s', `${sizeMib}M`, this.#image);
    run(`mkfs.${kind}`, '-q', this.#image);
    this.#mount();
  }

  /** Notes what is on the disk now; goes on as before. */
  freezeAndCopy(): void {
    run('fsfreeze', '-f', this.#outside);
    try {
      run('cp', '--sparse=always', this.#image, this.#copy);
    } finally {
      run('fsfreeze', '-u', this.#outside);
    }
  }

  /** The disk is as it was noted, after a recovery by the kernel. Nothing may have a file of it open. */
  restart(): void {
    this.#unmount();
    rmSync(this.#image);
    this.#life += 1;
    run('cp', '--sparse=always', this.#copy, this.#image);
    this.#mount();
  }

  remove(): void {
    if (this.#device !== '') this.#unmount();
    // The kernel lets go of a loop device when it likes.
    run('umount', '--lazy', this.#outside);
    rmSync(this.#base, { recursive: true, force: true });
  }

  /** One for each life: the device of the last one may still hold on to its own. */
  get #image(): string {
    return join(this.#outside, `disk${this.#life}`);
  }

  #mount(): void {
    this.#device = run('losetup', '--find', '--show', this.#image);
    run('mount', ...(OPTIONS[this.#kind] ?? []), this.#device, this.path);
  }

  #unmount(): void {
    run('umount', this.path);
    run('losetup', '--detach', this.#device);
    this.#device = '';
  }
}
