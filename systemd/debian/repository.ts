// `npm run repository`: an apt repository as plain files, for any web server. What is in it stays in it, so that a machine
// can go back to an older version; new packages come from var/package. The key that signs is no part of this project:
// gpg finds it by its id.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ARCHITECTURES } from './node-runtime.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SUITE = 'stable';
const COMPONENT = 'main';
const POOL = 'pool/main/h/halfpipe';
const DISTS = `dists/${SUITE}`;
const DAY_SECONDS = 86_400;

const { values } = parseArgs({
  options: {
    /** As gpg(1) takes it: best the fingerprint. GNUPGHOME says where gpg has it. */
    key: { type: 'string', default: process.env.HALFPIPE_SIGNING_KEY ?? '' },
    packages: { type: 'string', default: join(ROOT, 'var/package') },
    output: { type: 'string', default: join(ROOT, 'var/repository') },
    /** After so many days apt refuses what has not been signed anew. 0: never. */
    'valid-days': { type: 'string', default: '0' },
  },
});
if (values.key === '')
  throw new Error('which key signs? Give --key ID or HALFPIPE_SIGNING_KEY, as in gpg -K');
const validDays = Number(values['valid-days']);
if (!Number.isInteger(validDays) || validDays < 0)
  throw new TypeError(`--valid-days is a number of days, not ${values['valid-days']}`);
const root = resolve(values.output);
const inRoot = { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 } as const;

const added = addPackages();
for (const architecture of ARCHITECTURES) writeIndex(architecture);
publish(renderRelease());
process.stdout.write(`${root}: ${added} packages added, ${readdirSync(join(root, POOL)).length} in all\n`);

/** Returns how many are new. Throws when another package of the same name is there: what is published never changes. */
function addPackages(): number {
  mkdirSync(join(root, POOL), { recursive: true });
  const names = readdirSync(values.packages).filter((name) => name.endsWith('.deb'));
  const missing = names.filter((name) => {
    const [from, to] = [join(values.packages, name), join(root, POOL, name)];
    if (!existsSync(to)) return true;
    if (readFileSync(to).equals(readFileSync(from))) return false;
    throw new Error(
      `${name} is published with other bytes: give the package a new version, or take the old one`,
    );
  });
  for (const name of missing) copyFileSync(join(values.packages, name), join(root, POOL, name));
  return missing.length;
}

function writeIndex(architecture: string): void {
  const folder = join(root, DISTS, COMPONENT, `binary-${architecture}`);
  mkdirSync(folder, { recursive: true });
  const index = execFileSync('apt-ftparchive', ['--arch', architecture, 'packages', POOL], inRoot);
  writeFileSync(join(folder, 'Packages'), index);
  writeFileSync(join(folder, 'Packages.gz'), gzipSync(index, { level: 9 }));
  writeFileSync(join(folder, 'Packages.xz'), execFileSync('xz', ['--stdout'], { input: index }));
}

function renderRelease(): string {
  const fields = {
    Origin: 'halfpipe',
    Label: 'halfpipe',
    Suite: SUITE,
    Codename: SUITE,
    Components: COMPONENT,
    Architectures: ARCHITECTURES.join(' '),
    // A client that has read the former Release finds the indexes of that one, as apt-ftparchive keeps them for a while.
    'Acquire-By-Hash': 'yes',
    ...(validDays > 0 ? { ValidTime: String(validDays * DAY_SECONDS) } : {}),
  };
  const options = Object.entries(fields).flatMap(([name, value]) => [
    '-o',
    `APT::FTPArchive::Release::${name}=${value}`,
  ]);
  const command = [...options, '-o', 'APT::FTPArchive::DoByHash=true', 'release', DISTS];
  return execFileSync('apt-ftparchive', command, inRoot);
}

/** Each file comes at once, and InRelease, from which clients begin, is the last. */
function publish(release: string): void {
  const gpg = ['--batch', '--yes', '--local-user', values.key, '--armor'];
  const signed = (how: string) => execFileSync('gpg', [...gpg, how], { ...inRoot, input: release });
  const key = execFileSync('gpg', [...gpg, '--export', values.key], inRoot);
  const files = {
    'halfpipe.asc': key,
    [`${DISTS}/Release`]: release,
    [`${DISTS}/Release.gpg`]: signed('--detach-sign'),
    [`${DISTS}/InRelease`]: signed('--clearsign'),
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(root, `${name}.new`), content);
    renameSync(join(root, `${name}.new`), join(root, name));
  }
}
