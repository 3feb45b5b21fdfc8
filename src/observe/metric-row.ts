// One metric of the table: its name, what it means, and which field of the snapshot it shows. Units
// are Prometheus's base units: seconds, bytes and ratios.
import type { Snapshot } from '../view/snapshot.ts';

export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** One sentence. */
  readonly help: string;
  /** The names of its labels besides `unit`. */
  readonly labels: readonly string[];
  /**
   * The field of `halfpipe status --json`. `*` stands for the part of the path that the label
   * names, `[]` for each element of a list.
   */
  readonly field: string;
  /** Empty while the field is null: the series is then absent. */
  readonly samples: (snapshot: Snapshot) => readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Value = number | boolean | null | undefined;
type Read = (snapshot: Snapshot) => Value;

/** The paths of the fields in T that are not in a list. */
type PathIn<T> = {
  [K in keyof T & string]: NonNullable<T[K]> extends readonly unknown[] | string | number | boolean
    ? K
    : K | `${K}.${PathIn<NonNullable<T[K]>>}`;
}[keyof T & string];
type Field = PathIn<Snapshot>;

/**
 * A series without labels. The unit of the field follows from its name, as everywhere here. `read`
 * says what is shown of a field that is not a number.
 */
export function gauge(name: string, field: Field, help: string, read: Read = valueAt(field)): MetricRow {
  const samples = (snapshot: Snapshot) => sampleOf({}, field, read(snapshot));
  return { ...{ name, type: 'gauge', help, field, samples }, labels: [] };
}

/** A count since the start of the process. */
export function counter(name: string, field: Field, help: string): MetricRow {
  return { ...gauge(name, field, help), type: 'counter' };
}

/** What is not there, such as a link, has no fields. */
function valueAt(field: Field): Read {
  return (snapshot) => {
    let found: unknown = snapshot;
    for (const name of field.split('.')) found = Object(found)[name];
    return typeof found === 'number' || typeof found === 'boolean' ? found : undefined;
  };
}

/** A series for each word that the field may be: 1 for the present one, 0 for the others. */
export function state<const T extends string>(
  name: string,
  field: string,
  help: string,
  words: readonly T[],
  read: (snapshot: Snapshot) => T | undefined,
): MetricRow {
  const label = name.slice(name.lastIndexOf('_') + 1);
  const samples = (snapshot: Snapshot) => {
    const present = read(snapshot);
    if (present === undefined) return [];
    return words.map((word) => ({ labels: { [label]: word }, value: Number(word === present) }));
  };
  return { ...{ name, type: 'gauge', help, field, samples }, labels: [label] };
}

/** A series for each value of one label. `read` gives a value, and null leaves its series out. */
export function each(
  name: string,
  label: string,
  field: string,
  help: string,
  read: (snapshot: Snapshot) => Readonly<Record<string, Value>>,
): MetricRow {
  const samples = (snapshot: Snapshot) =>
    Object.entries(read(snapshot)).flatMap(([word, value]) => sampleOf({ [label]: word }, field, value));
  return { ...{ name, type: 'gauge', help, field, samples }, labels: [label] };
}

/** The constant 1, with texts as labels. */
export function info(
  name: string,
  field: string,
  help: string,
  labels: readonly string[],
  read: (snapshot: Snapshot) => Readonly<Record<string, string>> | undefined,
): MetricRow {
  const samples = (snapshot: Snapshot) => {
    const texts = read(snapshot);
    return texts === undefined ? [] : [{ labels: texts, value: 1 }];
  };
  return { name, type: 'gauge', help, field, samples, labels };
}

/** How many of the field's units are one base unit. */
const UNITS: readonly (readonly [suffix: RegExp, perBaseUnit: number])[] = [
  [/Ms$/, 1000],
  [/[Bb]itsPerSec$/, 8],
];

function sampleOf(labels: Sample['labels'], field: string, value: Value): readonly Sample[] {
  if (value === null || value === undefined) return [];
  const [, perBaseUnit = 1] = UNITS.find(([suffix]) => suffix.test(field)) ?? [];
  return [{ labels, value: Number(value) / perBaseUnit }];
}
