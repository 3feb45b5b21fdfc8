import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { releasesOf, renderDebianChangelog } from '../../systemd/debian/changelog.ts';
import { renderCopyright } from '../../systemd/debian/copyright.ts';
import { checkedMaintainer, NO_MAINTAINER } from '../../systemd/debian/maintainer.ts';
import { renderSbom } from '../../systemd/debian/sbom.ts';

const fileAt = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const MAINTAINER = 'Ada Operator <ada@example.org>';
/** Of a project of its own. */
const CHANGELOG = `# Changelog

## [Unreleased]

## [1.2.0] - 2026-12-02

### Added

- \`thing\`: a change that is told in so many words that they need another line, which is
  indented.

### Fixed

- Another one.

## [1.1.0] - 2026-12-01

### Added

- All.
`;
const UNRELEASED = CHANGELOG.replace('## [1.2.0] - 2026-12-02\n', '');

test('the changelog of a package has the words of CHANGELOG.md, in the form of deb-changelog(5)', () => {
  const options = { version: '1.2.0', maintainer: MAINTAINER, epoch: 0 };
  assert.equal(
    renderDebianChangelog(releasesOf(CHANGELOG), options),
    `halfpipe (1.2.0) stable; urgency=medium

  * Added: thing: a change that is told in so many words that they need another
    line, which is indented.
  * Fixed: Another one.

 -- ${MAINTAINER}  Wed, 02 Dec 2026 00:00:00 +0000

halfpipe (1.1.0) stable; urgency=medium

  * Added: All.

 -- ${MAINTAINER}  Tue, 01 Dec 2026 00:00:00 +0000
`,
  );
});

test('the changelog of a package that is not released tells the coming changes as its own, as of the build', () => {
  const options = { version: '9.0.0', maintainer: MAINTAINER, epoch: 1_796_256_000 };
  const [first = ''] = renderDebianChangelog(releasesOf(UNRELEASED), options).split('\n\nhalfpipe');
  assert.match(
    first,
    /^halfpipe \(9\.0\.0\) .*\n\n {2}\* Added: thing: [\s\S]* Thu, 03 Dec 2026 00:00:00 \+0000$/,
  );
});

test('a maintainer is a name and an address, or nobody', () => {
  assert.equal(checkedMaintainer(MAINTAINER), MAINTAINER);
  for (const none of [undefined, '']) assert.equal(checkedMaintainer(none), NO_MAINTAINER);
  for (const wrong of ['Ada', 'ada@example.org', 'Ada <ada>', 'Ada <ada@example.org>\nBuilt-Using: x'])
    assert.throws(() => checkedMaintainer(wrong), TypeError, wrong);
});

test('the copyright file holds the licence word by word', () => {
  const license = fileAt('LICENSE');
  const copyright = renderCopyright(license).replaceAll('\n .\n', '\n\n').replaceAll(/^ /gm, '');
  const [, , owner = '', ...terms] = license.split('\n');
  assert.ok(copyright.includes(terms.join('\n').trim()));
  assert.ok(copyright.includes(owner.replace('Copyright (c) ', 'Copyright: ')));
});

test('a bill of materials has each package of the bundle once, and what needs what among them', () => {
  const component = (name: string) => ({
    'bom-ref': `${name}@1`,
    name,
    version: '1',
    purl: `pkg:npm/${name}@1`,
  });
  const locked = {
    components: ['used', 'below', 'tool', 'node'].map(component),
    dependencies: [
      { ref: 'used@1', dependsOn: ['below@1', 'tool@1'] },
      { ref: 'tool@1', dependsOn: [] },
    ],
  };
  const contents = {
    version: '1.2.0',
    architecture: 'arm64',
    maintainer: MAINTAINER,
    packages: ['used@1', 'below@1', 'used@1'],
    node: { reference: 'node@1', binary: '', license: '' },
    epoch: 0,
  };
  const bill = JSON.parse(renderSbom(locked, contents));
  const references = bill.components.map((held: Record<string, string>) => held['bom-ref']);
  assert.deepEqual(references, ['below@1', 'node@1', 'used@1']);
  assert.deepEqual(bill.dependencies.slice(0, 2), [
    { ref: 'halfpipe@1.2.0', dependsOn: references },
    { ref: 'below@1', dependsOn: [] },
  ]);
  assert.deepEqual(bill.dependencies.at(-1), { ref: 'used@1', dependsOn: ['below@1'] });
  assert.match(bill.components[1].cpe, /^cpe:2\.3:a:nodejs:node\.js:1:/);
  assert.throws(() => renderSbom(locked, { ...contents, packages: ['other@2'] }), /no other@2: run npm ci/);
});
