// `npm run release`: everything that a release consists of, in one folder with its checksums, from a commit that is in
// order and passes the tests. It publishes nothing and changes nothing in git: it ends with what remains to be typed.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { checkedMaintainer } from './debian/maintainer.ts';
import { problemsOf } from './release-checks.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: {
    maintainer: { type: 'string', default: process.env.HALFPIPE_MAINTAINER ?? '' },
    /** Signs the repository and the checksums. Without it there is no repository. */
    key: { type: 'string', default: process.env.HALFPIPE_SIGNING_KEY ?? '' },
    /** As .ci/run, with the system tests, which need root and Debian's packages. */
    system: { type: 'boolean', default: false },
    /** Neither tests nor small packages: shows in a minute that all is in place. */
    rehearsal: { type: 'boolean', default: false },
  },
});
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const folder = join(ROOT, 'var/release', version);
const maintainer = checkedMaintainer(values.maintainer);

const git = (...words: readonly string[]) => execFileSync('git', words, { cwd: ROOT, encoding: 'utf8' });
const lines = (text: string) => text.split('\n').filter((line) => line !== '');
const run = (command: string, ...words: readonly string[]) =>
  execFileSync(command, words, { cwd: ROOT, stdio: 'inherit' });

refuseUnlessInOrder();
if (!values.rehearsal) test();
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
build();
sum();
tellTheRest();

function refuseUnlessInOrder(): void {
  const problems = problemsOf({
    version,
    maintainer,
    changelog: readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'),
    changedFiles: git('status', '--porcelain'),
    tagsHere: lines(git('tag', '--points-at', 'HEAD')),
    tags: lines(git('tag')),
  });
  if (problems.length === 0) return;
  process.stderr.write(`not released:\n${problems.map((problem) => `- ${problem}\n`).join('')}`);
  process.exit(1);
}

function test(): void {
  if (values.system) run('bash', '.ci/run');
  else run('npm', 'test');
}

function build(): void {
  run('npm', 'run', '--silent', 'build');
  const script = (name: string, ...options: readonly string[]) =>
    run(process.execPath, '--import', 'tsx', `systemd/debian/${name}.ts`, ...options);
  const size = values.rehearsal ? ['--fast'] : [];
  script('package', '--output', folder, '--maintainer', maintainer, ...size);
  run(process.execPath, '--import', 'tsx', 'systemd/npm/npm-package.ts', '--output', folder);
  copyFileSync(join(ROOT, 'CHANGELOG.md'), join(folder, 'CHANGELOG.md'));
  // The repository has the older versions, too, so it is the same one at each release; a rehearsal has its own.
  const repository = values.rehearsal ? ['--output', join(folder, 'repository')] : [];
  if (values.key !== '') script('repository', '--packages', folder, '--key', values.key, ...repository);
}

function sum(): void {
  const sums = execFileSync(
    'sh',
    ['-c', 'find . -maxdepth 1 -type f -printf "%P\\n" | sort | xargs -d "\\n" sha256sum'],
    {
      cwd: folder,
    },
  );
  writeFileSync(join(folder, 'SHA256SUMS'), sums);
  if (values.key !== '')
    run('gpg', '--batch', '--local-user', values.key, '--armor', '--detach-sign', join(folder, 'SHA256SUMS'));
}

function tellTheRest(): void {
  process.stdout.write(`${folder}\n${readFileSync(join(folder, 'SHA256SUMS'), 'utf8')}`);
  if (values.rehearsal) process.stdout.write('This was a rehearsal: publish none of it.\n');
  else
    process.stdout.write(
      `To do: git tag -s v${version}, git push --tags, and copy the folder to where it is published.\n`,
    );
}
