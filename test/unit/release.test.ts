import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { releasesOf } from '../../systemd/debian/changelog.ts';
import { NO_MAINTAINER } from '../../systemd/debian/maintainer.ts';
import { problemsOf } from '../../systemd/release-checks.ts';

const fileAt = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const MAINTAINER = 'Ada Operator <ada@example.org>';
/** Of a project of its own. */
const CHANGELOG =
  '# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-12-02\n\n### Added\n\n- More.\n\n## [1.1.0] - 2026-12-01\n\n### Added\n\n- All.\n';
const UNRELEASED = CHANGELOG.replace('## [1.2.0] - 2026-12-02\n', '');

const STATE = {
  version: '1.2.0',
  changelog: CHANGELOG,
  maintainer: MAINTAINER,
  changedFiles: '',
  tagsHere: [],
  tags: ['v1.1.0'],
};

test('a commit that is in order may be released, and built again once it has its tag', () => {
  assert.deepEqual(problemsOf(STATE), []);
  assert.deepEqual(problemsOf({ ...STATE, tags: ['v1.1.0', 'v1.2.0'], tagsHere: ['v1.2.0'] }), []);
});

for (const [what, change, problem] of [
  ['a changed file', { changedFiles: ' M src/main.ts\n' }, /not committed:\n M src\/main\.ts$/],
  ['a version that CHANGELOG.md does not have', { version: '1.3.0' }, /'## \[1\.3\.0\] - DATE'/],
  ['one that has no date there', { changelog: CHANGELOG.replace(' - 2026-12-02', '') }, /- DATE'/],
  ['changes of no version', { changelog: UNRELEASED, version: '1.1.0' }, /below \[Unreleased\]/],
  ['a version that is older', { changelog: CHANGELOG.replace('1.1.0', '1.10.0') }, /not newer than 1\.10\.0/],
  ['a version in a form of its own', { version: '1.2' }, /no version like/],
  ['no maintainer', { maintainer: NO_MAINTAINER }, /HALFPIPE_MAINTAINER/],
  ['a version of another commit', { tags: ['v1.2.0'] }, /v1\.2\.0 is another commit/],
] as const)
  test(`is not released: ${what}`, () => {
    assert.match(problemsOf({ ...STATE, ...change }).join('\n'), problem);
  });

test('the README names the version of package.json, and CHANGELOG.md has the releases in order', () => {
  const { version } = JSON.parse(fileAt('package.json'));
  const named = [...fileAt('README.md').matchAll(/halfpipe_(\d+\.\d+\.\d+)_/g)].map(([, named]) => named);
  assert.deepEqual(new Set(named), new Set([version]));
  const releases = releasesOf(fileAt('CHANGELOG.md')).filter(({ version }) => version !== 'Unreleased');
  const dates = releases.map(({ date = '' }) => date);
  assert.deepEqual(dates, [...dates].sort().reverse());
  assert.ok(releases.every(({ date, changes }) => date !== undefined && changes.length > 0));
});
