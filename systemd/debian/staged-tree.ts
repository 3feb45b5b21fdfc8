// The files of a package before they are packed, with the modes they will have, whatever the umask is.
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export class StagedTree {
  readonly #root: string;

  /** `root` is an empty folder; paths below are relative to it. */
  constructor(root: string) {
    this.#root = root;
    chmodSync(root, 0o755);
  }

  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    writeFileSync(this.#place(path), content);
    chmodSync(join(this.#root, path), mode);
  }

  copy(from: string, path: string, mode = 0o644): void {
    copyFileSync(from, this.#place(path));
    chmodSync(join(this.#root, path), mode);
  }

  makeFolder(path: string): void {
    this.#place(`${path}/.`);
  }

  /** Sorted; without folders. */
  files(): readonly string[] {
    return this.#all().filter((path) => statSync(join(this.#root, path)).isFile());
  }

  /** For deb-control(5)'s Installed-Size. */
  sizeKib(): number {
    const sizes = this.files().map((path) => Math.ceil(statSync(join(this.#root, path)).size / 1024));
    return sizes.reduce((sum, kib) => sum + kib, 0);
  }

  /** For deb-md5sums(5), by which `dpkg --verify` finds what was changed. */
  md5sums(): string {
    const digest = (path: string) =>
      createHash('md5')
        .update(readFileSync(join(this.#root, path)))
        .digest('hex');
    return this.files()
      .map((path) => `${digest(path)}  ${path}\n`)
      .join('');
  }

  /** Gives every file and folder the same time, in seconds since 1970. */
  setTimes(epoch: number): void {
    for (const path of ['.', ...this.#all()]) utimesSync(join(this.#root, path), epoch, epoch);
  }

  #all(): string[] {
    return readdirSync(this.#root, { recursive: true, encoding: 'utf8' }).sort();
  }

  #place(path: string): string {
    const folders = dirname(path).split('/');
    folders.forEach((_, depth) => {
      const folder = join(this.#root, ...folders.slice(0, depth + 1));
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755);
    });
    return join(this.#root, path);
  }
}
