// Converts between the units of the config file and of messages and the numbers that the code uses.
// The arithmetic is exact, and no unit is guessed: `b` for bit and `B` for byte differ by a factor
// of eight.

interface Unit {
  readonly name: string;
  /** How many of the code's base unit this unit is. */
  readonly factor: number;
}

// From large to small, because formatting takes the first unit that fits.
const RATE_UNITS: readonly Unit[] = [
  { name: 'Tbit/s', factor: 1e12 },
  { name: 'Gbit/s', factor: 1e9 },
  { name: 'Mbit/s', factor: 1e6 },
  { name: 'kbit/s', factor: 1e3 },
  { name: 'bit/s', factor: 1 },
];

const SIZE_UNITS: readonly Unit[] = [
  { name: 'TiB', factor: 1024 ** 4 },
  { name: 'TB', factor: 1e12 },
  { name: 'GiB', factor: 1024 ** 3 },
  { name: 'GB', factor: 1e9 },
  { name: 'MiB', factor: 1024 ** 2 },
  { name: 'MB', factor: 1e6 },
  { name: 'KiB', factor: 1024 },
  { name: 'kB', factor: 1e3 },
  { name: 'B', factor: 1 },
];

const DURATION_UNITS: readonly Unit[] = [
  { name: 'd', factor: 86_400_000 },
  { name: 'h', factor: 3_600_000 },
  { name: 'min', factor: 60_000 },
  { name: 's', factor: 1000 },
  { name: 'ms', factor: 1 },
];

const BYTE_RATE_UNITS = SIZE_UNITS.map(({ name, factor }) => ({ name: `${name}/s`, factor: factor * 8 }));

/** Returns bits a second, a safe integer ≥ 0. Throws RangeError, which says what is accepted. */
export function parseRate(text: string): number {
  const { amount, unit } = split(text);
  const found = rateUnit(unit);
  if (found !== undefined) return exact(amount, found.factor, 'bits per second');
  const [, prefix, byBinary] = /^([kmgt]?)(i?)b?(?:\/s|ps)?$/i.exec(unit) ?? [];
  if (amount === '' || unit === '' || prefix === undefined || byBinary !== '') {
    throw new RangeError(
      'must be a rate such as 100 Mbit/s, 256 kbit/s, 1.5 Gbit/s or 12.5 MB/s (bit for bits, B for bytes)',
    );
  }
  const scale = prefix.toLowerCase() === 'k' ? 'k' : prefix.toUpperCase();
  throw new RangeError(
    `could mean bits or bytes: type ${amount} ${scale}bit/s for bits or ${amount} ${scale}B/s for bytes`,
  );
}

/** Exact, in the largest unit that needs at most one decimal: `1.5 Gbit/s`. */
export function formatRate(bitsPerSec: number): string {
  return format(bitsPerSec, RATE_UNITS, 1);
}

/** Returns bytes, a safe integer ≥ 0. Throws RangeError, which says what is accepted. */
export function parseSize(text: string): number {
  const { amount, unit } = split(text);
  const found =
    amount !== '' && isZero(amount) && unit === '' ? SIZE_UNITS.at(-1) : byteUnit(SIZE_UNITS, unit);
  if (found !== undefined) return exact(amount, found.factor, 'bytes');
  throw new RangeError('must be a size such as 8 MiB, 500 kB, 1 GiB or 0 B (B for bytes, always upper case)');
}

/** Exact, in the largest unit that needs no decimals: `8 MiB`, `500 kB`. */
export function formatSize(sizeBytes: number): string {
  return format(sizeBytes, SIZE_UNITS, 0);
}

/** Returns milliseconds, a safe integer ≥ 0. Throws RangeError, which says what is accepted. */
export function parseDuration(text: string): number {
  const { amount, unit } = split(text);
  // `m` is a minute, as in systemd; `M`, its month, is not accepted.
  const wanted = isZero(amount) && unit === '' ? 'ms' : unit === 'm' ? 'min' : unit.toLowerCase();
  const found = DURATION_UNITS.find(({ name }) => name === wanted);
  if (found !== undefined) return exact(amount, found.factor, 'milliseconds');
  throw new RangeError('must be a duration such as 500 ms, 2 s, 5 min, 1 h or 1 d');
}

/** Exact, in the largest unit that needs no decimals: `90 s`, `5 min`. */
export function formatDuration(durationMs: number): string {
  return format(durationMs, DURATION_UNITS, 0);
}

/**
 * Returns a share: `50 %` is 0.5. Finite, ≥ 0, may exceed 1. Throws RangeError, which says what is
 * accepted.
 */
export function parsePercent(text: string): number {
  const { amount, unit } = split(text);
  const share = Number(`${amount}e-2`);
  if (unit === '%' && Number.isFinite(share)) return share;
  if (unit === '' && amount !== '' && !isZero(amount) && share <= 1) {
    // A bare 0.5 could mean half, or half a percent.
    const asShare = Number(amount) <= 1 ? ` or ${formatPercent(Number(amount))}` : '';
    throw new RangeError(`must be a percentage with its sign: type ${amount} %${asShare}`);
  }
  throw new RangeError('must be a percentage with its sign, such as 50 % or 2.5 %');
}

/** `50 %` for 0.5. Exact for shares of up to 15 significant digits. */
export function formatPercent(share: number): string {
  const [digits, exponent = '0'] = String(finite(share)).split('e');
  return `${Number(`${digits}e${Number(exponent) + 2}`)} %`;
}

/** `amount` is empty if the text does not begin with a plain decimal number. */
function split(text: string): { amount: string; unit: string } {
  const [, amount = '', unit = ''] = /^\s*(\d{1,20}(?:\.\d{1,12})?)\s*(\D.*?)?\s*$/.exec(text) ?? [];
  return { amount, unit };
}

function rateUnit(unit: string): Unit | undefined {
  const lower = unit.toLowerCase();
  return RATE_UNITS.find(({ name }) => name.toLowerCase() === lower) ?? byteUnit(BYTE_RATE_UNITS, unit);
}

/** The prefix may have any case, the B for byte must be upper case. */
function byteUnit(units: readonly Unit[], unit: string): Unit | undefined {
  if (!unit.includes('B')) return undefined;
  const lower = unit.toLowerCase();
  return units.find(({ name }) => name.toLowerCase() === lower);
}

function isZero(amount: string): boolean {
  return /^0+(\.0+)?$/.test(amount);
}

function exact(amount: string, factor: number, base: string): number {
  const [whole = '', decimals = ''] = amount.split('.');
  // Uses integers: in floating point, 1.1 s × 1000 would be 1100.0000000000002 ms.
  const scaled = BigInt(whole + decimals) * BigInt(factor);
  const divisor = 10n ** BigInt(decimals.length);
  if (scaled % divisor !== 0n) throw new RangeError(`must come to a whole number of ${base}`);
  const value = scaled / divisor;
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`must stay below 9e15 ${base}`);
  return Number(value);
}

function format(value: number, units: readonly Unit[], decimals: 0 | 1): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number ≥ 0`);
  const tenths = BigInt(value) * 10n;
  const step = decimals === 1 ? 1n : 10n;
  const fits = ({ factor }: Unit) => value >= factor && tenths % (BigInt(factor) * step) === 0n;
  const unit = units.find(fits) ?? units.at(-1);
  if (unit === undefined) throw new RangeError('no units to format with');
  const shown = tenths / BigInt(unit.factor);
  return `${shown / 10n}${shown % 10n === 0n ? '' : `.${shown % 10n}`} ${unit.name}`;
}

function finite(value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new RangeError(`${value} is not a share ≥ 0`);
}
