// `npm run package`: the Debian package, from this checkout. The same commit gives the same bytes: every time is
// SOURCE_DATE_EPOCH (the commit's, unless it is set), owners are root, the order and the modes are fixed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { renderConfigManual } from '../man/config-manual.ts';
import { bundle } from './bundle.ts';
import { nodeRuntime } from './node-runtime.ts';
import { StagedTree } from './staged-tree.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const source = (path: string) => join(ROOT, path);

const { values } = parseArgs({
  options: {
    output: { type: 'string', default: source('var/package') },
    /** Instead of package.json's: for packages that upgrade one another in a test. */
    version: { type: 'string', default: JSON.parse(readFileSync(source('package.json'), 'utf8')).version },
    /** Seconds instead of a minute, for a larger package. */
    fast: { type: 'boolean', default: false },
  },
});
const epoch = process.env.SOURCE_DATE_EPOCH ?? commitTime();
const staging = mkdtempSync(join(tmpdir(), 'halfpipe-package-'));
try {
  const tree = new StagedTree(staging);
  await stageProgram(tree);
  stageSystemFiles(tree);
  stageDocuments(tree);
  stageControl(tree);
  tree.setTimes(Number(epoch));
  const file = join(resolve(values.output), `halfpipe_${values.version}_amd64.deb`);
  mkdirSync(dirname(file), { recursive: true });
  buildPackage(file);
  process.stdout.write(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB\n`);
} finally {
  rmSync(staging, { recursive: true });
}

async function stageProgram(tree: StagedTree): Promise<void> {
  const node = nodeRuntime(ROOT);
  const { files, notices } = await bundle(ROOT, `node${node.version}`);
  tree.copy(node.binary, 'usr/lib/halfpipe/node', 0o755);
  // Where the program looks for its version: beside dist, as in the npm package.
  for (const [name, code] of files) tree.write(`usr/lib/halfpipe/dist/${name}`, code);
  for (const name of readdirSync(source('dist/page')).sort())
    tree.copy(source(`dist/page/${name}`), `usr/lib/halfpipe/page/${name}`);
  const about = { name: 'halfpipe', version: values.version, type: 'module' };
  tree.write('usr/lib/halfpipe/package.json', `${JSON.stringify(about)}\n`);
  tree.copy(source('systemd/debian/halfpipe.sh'), 'usr/bin/halfpipe', 0o755);
  tree.copy(source('LICENSE'), 'usr/share/doc/halfpipe/copyright');
  tree.write('usr/share/doc/halfpipe/LICENSES.node.gz', packed(readFileSync(node.license)));
  tree.write('usr/share/doc/halfpipe/LICENSES.npm.gz', packed(notices));
}

function stageSystemFiles(tree: StagedTree): void {
  for (const unit of ['halfpipe.service', 'halfpipe@.service'])
    tree.copy(source(`systemd/${unit}`), `usr/lib/systemd/system/${unit}`);
  tree.copy(source('systemd/halfpipe.sysusers.conf'), 'usr/lib/sysusers.d/halfpipe.conf');
  tree.copy(source('systemd/halfpipe.tmpfiles.conf'), 'usr/lib/tmpfiles.d/halfpipe.conf');
  tree.copy(source('systemd/halfpipe.bash-completion'), 'usr/share/bash-completion/completions/halfpipe');
  tree.copy(source('config/halfpipe.yaml'), 'etc/halfpipe/halfpipe.yaml');
  // The service gets its copy from systemd, which reads it as root.
  tree.copy(source('systemd/debian/aws-credentials'), 'etc/halfpipe/aws-credentials', 0o600);
}

function stageDocuments(tree: StagedTree): void {
  tree.write('usr/share/man/man8/halfpipe.8.gz', packed(readFileSync(source('systemd/man/halfpipe.8'))));
  tree.write('usr/share/man/man5/halfpipe.yaml.5.gz', packed(renderConfigManual()));
  tree.copy(source('config/OPERATING.md'), 'usr/share/doc/halfpipe/OPERATING.md');
  for (const schema of ['status.schema.json', 'list.schema.json'])
    tree.copy(source(`config/${schema}`), `usr/share/doc/halfpipe/${schema}`);
  for (const example of readdirSync(source('systemd/examples')).sort())
    tree.copy(source(`systemd/examples/${example}`), `usr/share/doc/halfpipe/examples/${example}`);
}

/** Last: it counts and sums up what has been staged. */
function stageControl(tree: StagedTree): void {
  const control = readFileSync(source('systemd/debian/control'), 'utf8')
    .replace('@VERSION@', values.version)
    .replace('@SIZE@', String(tree.sizeKib()));
  const sums = tree.md5sums();
  const conffiles = tree.files().filter((path) => path.startsWith('etc/'));
  tree.write('DEBIAN/control', control);
  tree.write('DEBIAN/md5sums', sums);
  tree.write('DEBIAN/conffiles', conffiles.map((path) => `/${path}\n`).join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    tree.copy(source(`systemd/debian/${script}`), `DEBIAN/${script}`, 0o755);
}

function buildPackage(file: string): void {
  // One thread: more would cut the data into blocks, and the bytes would depend on the machine.
  const compression = values.fast ? ['-Zzstd', '-z1'] : ['-Zxz', '-z6', '--threads-max=1'];
  execFileSync('dpkg-deb', [...compression, '--root-owner-group', '--build', staging, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: epoch },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function packed(text: string | Uint8Array): Uint8Array {
  return gzipSync(text, { level: 9 });
}

function commitTime(): string {
  return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }).trim();
}
