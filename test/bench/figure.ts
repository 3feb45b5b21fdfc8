// One measured value beside what it must be.

export interface Figure {
  readonly label: string;
  /** For people: `49.9–50.1`; empty when nothing is required. */
  readonly required: string;
  /** Undefined: it did not happen, or could not be measured. */
  readonly value: number | undefined;
  readonly unit: '%' | 'ms' | 'files' | '';
  /** Undefined when nothing is required. */
  readonly met: boolean | undefined;
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export function figure(
  label: string,
  value: number | undefined,
  bounds: Bounds = {},
  unit: Figure['unit'] = '%',
): Figure {
  const { min, max } = bounds;
  if (min === undefined && max === undefined) return { label, required: '', value, unit, met: undefined };
  // judged as printed: 50.149 is not "50.1", and nobody has to wonder why 50.10 was missed
  const shown = value === undefined ? Number.NaN : Number(value.toFixed(2));
  const met = shown >= (min ?? -Infinity) && shown <= (max ?? Infinity);
  return { label, required: requirement(min, max), value, unit, met };
}

function requirement(min: number | undefined, max: number | undefined): string {
  if (min === max) return `${min}`;
  if (min === undefined) return `≤ ${max}`;
  if (max === undefined) return `≥ ${min}`;
  return `${min}–${max}`;
}
