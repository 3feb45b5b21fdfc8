// `npm run package:npm`: the package for servers that have a Node.js, from this checkout. It brings its dependencies, the
// very files that package-lock.json pins: installing it asks no registry. npm follows the npm-shrinkwrap.json of a package
// only when a registry announces it (npm/cli#5349); here it says what the package brings, for `npm audit` and the like.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { renderConfigManual } from '../man/config-manual.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = [
  'dist',
  'LICENSE',
  'README.md',
  'config',
  'systemd/halfpipe.service',
  'systemd/halfpipe@.service',
  'systemd/halfpipe.sysusers.conf',
  'systemd/halfpipe.tmpfiles.conf',
  'systemd/halfpipe.bash-completion',
  'systemd/debian/aws-credentials',
  'systemd/examples',
  'systemd/man/halfpipe.8',
  'systemd/npm/set-up.sh',
];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: true; readonly optional?: true }>>;
}

const source = (path: string) => join(ROOT, path);
const json = (path: string) => JSON.parse(readFileSync(source(path), 'utf8'));
const { values } = parseArgs({
  options: {
    output: { type: 'string', default: source('var/package') },
    /** Instead of package.json's: for packages that upgrade one another in a test. */
    version: { type: 'string', default: json('package.json').version },
  },
});
const staging = mkdtempSync(join(tmpdir(), 'halfpipe-npm-'));
try {
  for (const path of COPIED) cpSync(source(path), join(staging, path), { recursive: true, filter: belongs });
  writeFileSync(join(staging, 'systemd/man/halfpipe.yaml.5'), renderConfigManual());
  const about = manifest();
  const lock = shrinkwrap(about);
  write('package.json', about);
  write('npm-shrinkwrap.json', lock);
  for (const path of Object.keys(lock.packages)) if (path !== '') copyPackage(path);
  const output = resolve(values.output);
  mkdirSync(output, { recursive: true });
  const file = join(output, `${about.name}-${about.version}.tgz`);
  // As npm pack does it, which takes ten times as long to find out what belongs in: the same files give the same bytes.
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go=rX'];
  const time = '--mtime=1985-10-26 08:15:00Z';
  const packing = ['--use-compress-program=gzip -9n', '--transform=s,^[.],package,', '-C', staging, '.'];
  execFileSync('tar', ['--create', '--file', file, ...same, time, ...packing]);
  process.stdout.write(`${file}\n`);
} finally {
  rmSync(staging, { recursive: true });
}

/** Source maps are for tests. A compiled file whose source is gone was left by an older build. */
function belongs(file: string): boolean {
  const compiled = relative(source('dist'), file);
  if (!/\.(js|map)$/.test(compiled) || compiled.startsWith('page/') || compiled.startsWith('..')) return true;
  return existsSync(source(`src/${compiled.replace(/\.js$/, '.ts')}`));
}

/** Without what is for compilers, and without packages nested in it: they have lines of their own in the lock. */
function copyPackage(path: string): void {
  const nested = join(source(path), 'node_modules');
  const filter = (file: string) => file !== nested && !/\.(d\.[cm]?ts|map)$/.test(file);
  cpSync(source(path), join(staging, path), { recursive: true, filter });
}

function write(name: string, content: unknown): void {
  writeFileSync(join(staging, name), `${JSON.stringify(content, null, 2)}\n`);
}

/** What npm needs to install it. It stays private: nobody publishes it by accident. */
function manifest() {
  const { name, description, license, type, bin, engines, dependencies } = json('package.json');
  return {
    ...{ name, version: values.version, description, license, type, private: true, bin, engines },
    // npm links these for a global installation.
    man: ['systemd/man/halfpipe.8', 'systemd/man/halfpipe.yaml.5'],
    dependencies,
    bundleDependencies: true,
  };
}

/** The lock of the checkout, without what only the checkout needs. */
function shrinkwrap({ name, version, license, bin, engines, dependencies }: ReturnType<typeof manifest>) {
  const { packages, ...lock }: Lock = json('package-lock.json');
  const needed = Object.entries(packages).filter(
    ([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true,
  );
  const root = { name, version, license, bin, engines, dependencies };
  return { ...lock, version, packages: { '': root, ...Object.fromEntries(needed) } };
}
