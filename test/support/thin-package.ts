// Packages for tests of what dpkg does with one: without the Node.js, which nothing runs there, they are small.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class ThinPackage {
  readonly #tree: string;

  private constructor(tree: string) {
    this.#tree = tree;
  }

  /** Unpacks `file` into `folder`, which must not exist. */
  static unpack(file: string, folder: string): ThinPackage {
    execFileSync('dpkg-deb', ['--raw-extract', file, folder]);
    rmSync(join(folder, 'usr/lib/halfpipe/node'));
    return new ThinPackage(folder);
  }

  /** Makes the configuration what it was in 0.1.0: files of the package, which dpkg looks after. */
  makeConffiles(): this {
    for (const [path, mode] of CONFFILES) {
      const place = join(this.#tree, path);
      mkdirSync(join(place, '..'), { recursive: true });
      const text = path.endsWith('.yaml') ? 'config/halfpipe.yaml' : 'systemd/debian/aws-credentials';
      copyFileSync(text, place);
      chmodSync(place, mode);
    }
    rmSync(join(this.#tree, 'usr/share/halfpipe'), { recursive: true });
    rmSync(join(this.#tree, 'etc/halfpipe/conf.d'), { recursive: true });
    const list = CONFFILES.map(([path]) => `/${path}\n`).join('');
    writeFileSync(join(this.#tree, 'DEBIAN/conffiles'), list);
    return this;
  }

  /** Packs it as `version`. Returns the file, in `folder`. */
  pack(version: string, folder: string): string {
    const control = join(this.#tree, 'DEBIAN/control');
    const text = readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`);
    writeFileSync(control, text);
    const file = join(folder, `halfpipe_${version}_amd64.deb`);
    const options = ['-Zzstd', '-z1', '--root-owner-group', '--build', this.#tree, file];
    execFileSync('dpkg-deb', options, { stdio: ['ignore', 'ignore', 'inherit'] });
    return file;
  }
}

const CONFFILES = [
  ['etc/halfpipe/halfpipe.yaml', 0o644],
  ['etc/halfpipe/aws-credentials', 0o600],
] as const;
