// `npm run package`: the Debian packages, from this checkout, each with its bill of materials beside it. The same commit
// gives the same bytes: every time is SOURCE_DATE_EPOCH (the commit's, unless it is set), owners are root, the order and
// the modes are fixed.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { renderConfigManual } from '../man/config-manual.ts';
import { bundle } from './bundle.ts';
import { releasesOf, renderDebianChangelog } from './changelog.ts';
import { renderCopyright } from './copyright.ts';
import { checkedMaintainer } from './maintainer.ts';
import { ARCHITECTURES, type Architecture, nodeRuntime, nodeVersion } from './node-runtime.ts';
import { lockedMaterials, renderSbom } from './sbom.ts';
import { StagedTree } from './staged-tree.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const source = (path: string) => join(ROOT, path);

const { values } = parseArgs({
  options: {
    output: { type: 'string', default: source('var/package') },
    /** Instead of package.json's: for packages that upgrade one another in a test. */
    version: { type: 'string', default: JSON.parse(readFileSync(source('package.json'), 'utf8')).version },
    /** Which, if not all. */
    architecture: { type: 'string', multiple: true, default: [...ARCHITECTURES] },
    /** Name and address of those that answer for the packages. */
    maintainer: { type: 'string', default: process.env.HALFPIPE_MAINTAINER ?? '' },
    /** Seconds instead of a minute, for larger packages. */
    fast: { type: 'boolean', default: false },
  },
});
const { version } = values;
const maintainer = checkedMaintainer(values.maintainer);
const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? commitTime());
const output = resolve(values.output);
mkdirSync(output, { recursive: true });
const locked = lockedMaterials(ROOT);
const program = await bundle(ROOT, `node${nodeVersion(ROOT)}`);
const chosen = ARCHITECTURES.filter((architecture) => values.architecture.includes(architecture));
await Promise.all(chosen.map(makePackage));

async function makePackage(architecture: Architecture): Promise<void> {
  const staging = mkdtempSync(join(tmpdir(), 'halfpipe-package-'));
  try {
    const node = nodeRuntime(ROOT, architecture);
    const { packages } = program;
    const sbom = renderSbom(locked, { version, architecture, maintainer, packages, node, epoch });
    const tree = new StagedTree(staging);
    stageProgram(tree, node.binary);
    stageSystemFiles(tree);
    stageDocuments(tree);
    stageLegal(tree, node.license);
    tree.write('usr/share/doc/halfpipe/halfpipe.cdx.json', sbom);
    stageControl(tree, architecture);
    tree.setTimes(epoch);
    const name = join(output, `halfpipe_${version}_${architecture}`);
    await buildPackage(staging, `${name}.deb`);
    writeFileSync(`${name}.cdx.json`, sbom);
    process.stdout.write(`${name}.deb: ${(statSync(`${name}.deb`).size / 1e6).toFixed(1)} MB\n`);
  } finally {
    rmSync(staging, { recursive: true });
  }
}

function stageProgram(tree: StagedTree, node: string): void {
  tree.copy(node, 'usr/lib/halfpipe/node', 0o755);
  // Where the program looks for its version: beside dist, as in the npm package.
  for (const [name, code] of program.files) tree.write(`usr/lib/halfpipe/dist/${name}`, code);
  for (const name of readdirSync(source('dist/page')).sort())
    tree.copy(source(`dist/page/${name}`), `usr/lib/halfpipe/page/${name}`);
  const about = { name: 'halfpipe', version, type: 'module' };
  tree.write('usr/lib/halfpipe/package.json', `${JSON.stringify(about)}\n`);
  tree.copy(source('systemd/debian/halfpipe.sh'), 'usr/bin/halfpipe', 0o755);
}

function stageSystemFiles(tree: StagedTree): void {
  for (const unit of ['halfpipe.service', 'halfpipe@.service'])
    tree.copy(source(`systemd/${unit}`), `usr/lib/systemd/system/${unit}`);
  tree.copy(source('systemd/halfpipe.sysusers.conf'), 'usr/lib/sysusers.d/halfpipe.conf');
  tree.copy(source('systemd/halfpipe.tmpfiles.conf'), 'usr/lib/tmpfiles.d/halfpipe.conf');
  tree.copy(source('systemd/halfpipe.bash-completion'), 'usr/share/bash-completion/completions/halfpipe');
  // From these postinst makes the configuration: a file of the package itself would be a conffile, and each reworded
  // comment would stop an unattended upgrade.
  for (const file of ['halfpipe.yaml', 'aws-credentials'])
    tree.copy(source(`systemd/debian/${file}`), `usr/share/halfpipe/${file}`);
  tree.makeFolder('etc/halfpipe/conf.d');
}

function stageDocuments(tree: StagedTree): void {
  tree.write('usr/share/man/man8/halfpipe.8.gz', packed(readFileSync(source('systemd/man/halfpipe.8'))));
  tree.write('usr/share/man/man5/halfpipe.yaml.5.gz', packed(renderConfigManual()));
  tree.copy(source('config/halfpipe.yaml'), 'usr/share/doc/halfpipe/halfpipe.yaml');
  for (const page of ['OPERATING.md', 'RECIPES.md'])
    tree.copy(source(`config/${page}`), `usr/share/doc/halfpipe/${page}`);
  for (const schema of ['status.schema.json', 'list.schema.json'])
    tree.copy(source(`config/${schema}`), `usr/share/doc/halfpipe/${schema}`);
  for (const example of readdirSync(source('systemd/examples')).sort())
    tree.copy(source(`systemd/examples/${example}`), `usr/share/doc/halfpipe/examples/${example}`);
}

function stageLegal(tree: StagedTree, licenseOfNode: string): void {
  const releases = releasesOf(readFileSync(source('CHANGELOG.md'), 'utf8'));
  const changelog = renderDebianChangelog(releases, { version, maintainer, epoch });
  // Not changelog.Debian.gz: the version has no revision of Debian's (Policy 12.7).
  tree.write('usr/share/doc/halfpipe/changelog.gz', packed(changelog));
  tree.write('usr/share/doc/halfpipe/copyright', renderCopyright(readFileSync(source('LICENSE'), 'utf8')));
  tree.write('usr/share/doc/halfpipe/LICENSES.node.gz', packed(readFileSync(licenseOfNode)));
  tree.write('usr/share/doc/halfpipe/LICENSES.npm.gz', packed(program.notices));
  tree.copy(source('systemd/debian/lintian-overrides'), 'usr/share/lintian/overrides/halfpipe');
}

/** Last: it counts and sums up what has been staged. */
function stageControl(tree: StagedTree, architecture: Architecture): void {
  const control = readFileSync(source('systemd/debian/control'), 'utf8')
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@MAINTAINER@', maintainer)
    .replace('@SIZE@', String(tree.sizeKib()));
  const sums = tree.md5sums();
  tree.write('DEBIAN/control', control);
  tree.write('DEBIAN/md5sums', sums);
  for (const script of ['postinst', 'prerm', 'postrm'])
    tree.copy(source(`systemd/debian/${script}`), `DEBIAN/${script}`, 0o755);
}

async function buildPackage(staging: string, file: string): Promise<void> {
  // One thread: more would cut the data into blocks, and the bytes would depend on the machine.
  const compression = values.fast ? ['-Zzstd', '-z1'] : ['-Zxz', '-z6', '--threads-max=1'];
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) };
  await promisify(execFile)('dpkg-deb', [...compression, '--root-owner-group', '--build', staging, file], {
    env,
  });
}

function packed(text: string | Uint8Array): Uint8Array {
  return gzipSync(text, { level: 9 });
}

function commitTime(): string {
  return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }).trim();
}
