// Reads a page in Prometheus's text format or in OpenMetrics.

export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

export function seriesOf(page: string): readonly Series[] {
  const lines = page.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a series: ${line}`);
    const pairs = [...labels.matchAll(LABEL)].map(([, label, text]) => [label, text] as const);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
}

/** The name with its labels but `unit`: `halfpipe_state{state="idle"}`. */
export function idOf({ name, labels }: Series): string {
  const own = Object.entries(labels).filter(([label]) => label !== 'unit');
  const text = own.map(([label, value]) => `${label}="${value}"`).join(',');
  return text === '' ? name : `${name}{${text}}`;
}
