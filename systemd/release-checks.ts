// What has to be in order before a release is built: a release is built from one commit, which says itself what it is.
import { type Release, releasesOf } from './debian/changelog.ts';
import { NO_MAINTAINER } from './debian/maintainer.ts';

export interface ReleaseState {
  /** Of package.json. */
  readonly version: string;
  /** The text of CHANGELOG.md. */
  readonly changelog: string;
  readonly maintainer: string;
  /** What `git status --porcelain` prints. */
  readonly changedFiles: string;
  /** Tags of the commit, and all others. */
  readonly tagsHere: readonly string[];
  readonly tags: readonly string[];
}

/** Each with what to do. None: the release may be built. */
export function problemsOf(state: ReleaseState): readonly string[] {
  const { version, changelog, maintainer, changedFiles, tagsHere, tags } = state;
  const releases = releasesOf(changelog);
  const problems: string[] = [];
  if (changedFiles !== '')
    problems.push(`there are changes that are not committed:\n${changedFiles.trimEnd()}`);
  if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`${version} in package.json is no version like 1.2.3`);
  problems.push(...problemsOfChangelog(releases, version));
  if (maintainer === NO_MAINTAINER)
    problems.push(
      "nobody answers for the packages: give --maintainer 'NAME <ADDRESS>' or HALFPIPE_MAINTAINER",
    );
  const tag = `v${version}`;
  if (tags.includes(tag) && !tagsHere.includes(tag))
    problems.push(`${tag} is another commit: raise the version in package.json, with npm version`);
  return problems;
}

function problemsOfChangelog(releases: readonly Release[], version: string): readonly string[] {
  const [first, second] = releases.filter((release) => release.version !== 'Unreleased');
  if (first?.version !== version || first.date === undefined || first.changes.length === 0)
    return [`CHANGELOG.md does not begin with what is new in '## [${version}] - DATE'`];
  const left = releases.find((release) => release.version === 'Unreleased');
  if (left !== undefined && left.changes.length > 0)
    return [`CHANGELOG.md has changes below [Unreleased]: are they in ${version}?`];
  return second === undefined || isNewer(version, second.version)
    ? []
    : [`${version} in package.json is not newer than ${second.version}`];
}

function isNewer(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) > 0;
}
