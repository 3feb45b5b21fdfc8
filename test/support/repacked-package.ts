// Further packages made from one that was built, for tests of what dpkg and systemd do with several versions: the program
// in them is the same, so they take a fraction of the time.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class RepackedPackage {
  readonly #tree: string;

  private constructor(tree: string) {
    this.#tree = tree;
  }

  /** Unpacks `file` into `folder`, which must not exist. */
  static unpack(file: string, folder: string): RepackedPackage {
    execFileSync('dpkg-deb', ['--raw-extract', file, folder]);
    return new RepackedPackage(folder);
  }

  /** Makes it small, for roots in which nothing runs it. */
  removeNode(): this {
    rmSync(join(this.#tree, 'usr/lib/halfpipe/node'));
    return this;
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

  /** Packs it as `version`. Its md5sums stay as they were. Returns the file, in `folder`. */
  pack(version: string, folder: string): string {
    const control = join(this.#tree, 'DEBIAN/control');
    const text = readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${version}`);
    writeFileSync(control, text);
    const about = { name: 'halfpipe', version, type: 'module' };
    writeFileSync(join(this.#tree, 'usr/lib/halfpipe/package.json'), JSON.stringify(about));
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
