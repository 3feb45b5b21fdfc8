// The report of StrykerJS as a table: how many changes of each file were noticed, and which were not, each with the word
// of the list of those that were read.

/** Of the mutation testing report schema, what is used here. */
export interface MutationReport {
  readonly files: Readonly<Record<string, MutatedFile>>;
}

interface MutatedFile {
  readonly source: string;
  readonly mutants: readonly Mutant[];
}

interface Place {
  /** From 1, as is the column. */
  readonly line: number;
  readonly column: number;
}

interface Mutant {
  readonly status: string;
  readonly replacement?: string;
  readonly location: { readonly start: Place; readonly end: Place };
}

/** A survivor that was read: found again by its texts, wherever its line has moved to. */
export interface ReadSurvivor {
  /** The line where the change begins, without its indentation. */
  readonly line: string;
  /** As the table prints it. */
  readonly change: string;
  /** `equivalent: why`, `other line: which one holds`, or `to write: which test`. */
  readonly word: string;
}

/** By path of the source. */
export type ReadSurvivors = Readonly<Record<string, readonly ReadSurvivor[]>>;

const UNREAD = 'unread';
/** Longer changes are cut in their middle. */
const CHANGE_MAX = 100;
const NOTICED = ['Killed', 'Timeout'];
const SURVIVED = ['Survived', 'NoCoverage'];

function textBetween(source: string, start: Place, end: Place): string {
  const lines = source.split('\n').slice(start.line - 1, end.line);
  const last = lines.length - 1;
  return lines
    .map((line, at) => line.slice(at === 0 ? start.column - 1 : 0, at === last ? end.column - 1 : undefined))
    .join('\n');
}

/** On one line, and not longer than it can be read. */
function short(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const half = CHANGE_MAX / 2;
  return line.length <= CHANGE_MAX ? line : `${line.slice(0, half)}…${line.slice(-half)}`;
}

function rowsOf(path: string, { source, mutants }: MutatedFile, read: readonly ReadSurvivor[]): string[] {
  const noticed = mutants.filter(({ status }) => NOTICED.includes(status)).length;
  const survivors = mutants.filter(({ status }) => SURVIVED.includes(status));
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const named = survivors
    .toSorted((a, b) => a.location.start.line - b.location.start.line)
    .map(({ location: { start, end }, replacement = '' }) => {
      const line = (source.split('\n')[start.line - 1] ?? '').trim();
      const change = `${short(textBetween(source, start, end))} → ${short(replacement)}`;
      const word = read.find((known) => known.line === line && known.change === change)?.word ?? UNREAD;
      return `| | | | ${start.line} | \`${cell(change)}\` | ${cell(word)} |`;
    });
  return [`| \`${path}\` | ${noticed + survivors.length} | ${noticed} | | | |`, ...named];
}

/** A row for each file and each of its survivors, in Markdown. */
export function survivorsTable({ files }: MutationReport, read: ReadSurvivors): string {
  const rows = Object.entries(files)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, file]) => rowsOf(path, file, read[path] ?? []));
  return [
    '| File | Changes | Noticed | Line | Not noticed | Word |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}
