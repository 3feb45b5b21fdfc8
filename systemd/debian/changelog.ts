// CHANGELOG.md, which people read and write (keepachangelog.com), in the form that dpkg and apt-listchanges read
// (deb-changelog(5)).
const COLUMNS = 80;
const HEADING = /^## \[([^\]]+)\](?: - (\d{4}-\d{2}-\d{2}))?\n/gm;

export interface Release {
  /** `Unreleased` for what is coming. */
  readonly version: string;
  /** ISO 8601; only of a release. */
  readonly date?: string;
  readonly changes: readonly Change[];
}

interface Change {
  /** Added, Changed, Deprecated, Removed, Fixed or Security. */
  readonly kind: string;
  readonly text: string;
}

/** The releases of CHANGELOG.md, the newest first. */
export function releasesOf(changelog: string): readonly Release[] {
  const headings = [...changelog.matchAll(HEADING)];
  return headings.map(({ 0: heading, 1: version = '', 2: date, index }, at) => ({
    version,
    ...(date === undefined ? {} : { date }),
    changes: changesOf(changelog.slice(index + heading.length, headings[at + 1]?.index)),
  }));
}

function changesOf(section: string): readonly Change[] {
  return section
    .split(/^### /m)
    .slice(1)
    .flatMap((part) => {
      const [kind = '', ...lines] = part.split('\n');
      // An item goes on in lines that are indented, as Markdown has it.
      const items = lines.join('\n').split(/^- /m).slice(1);
      return items.map((text) => ({ kind, text: text.replace(/\s+/g, ' ').trim() }));
    });
}

/**
 * The changelog of a package that calls itself `version`, made at `epoch` (seconds since 1970). What has no release yet
 * is told as that version's.
 */
export function renderDebianChangelog(
  releases: readonly Release[],
  {
    version,
    maintainer,
    epoch,
  }: { readonly version: string; readonly maintainer: string; readonly epoch: number },
): string {
  const own = releases.find((release) => release.version === version);
  const coming = releases.find((release) => release.version === 'Unreleased');
  const former = releases.filter((release) => release.date !== undefined && release !== own);
  return [{ ...(own ?? coming ?? { changes: [] }), version }, ...former]
    .map(({ version: name, date, changes }) => {
      const at = date === undefined ? epoch * 1000 : Date.parse(date);
      const said = changes.map(({ kind, text }) => wrapped(`${kind}: ${text}`));
      return [
        `halfpipe (${name}) stable; urgency=medium`,
        '',
        ...(said.length > 0 ? said : ['  * Nothing that an operator notices.']),
        '',
        ` -- ${maintainer}  ${new Date(at).toUTCString().replace('GMT', '+0000')}`,
        '',
      ].join('\n');
    })
    .join('\n');
}

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '  *';
  for (const word of text.replaceAll('`', '').split(' ')) {
    if (line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}
