// Formats numbers for a screen or a log line: short, rounded to three digits, for reading only.
// (config/units writes the exact form that a config file accepts.)

const HOUR_MS = 60 * 60_000;
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const STEPS = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** `49.9 Mbit/s`, in powers of ten. */
export function readableRate(bitsPerSec: number): string {
  return scaled(bitsPerSec, 'bit/s');
}

/** `512 MB`, in powers of ten, so that 50 Mbit/s and 6.25 MB/s are visibly the same. */
export function readableSize(sizeBytes: number): string {
  return scaled(sizeBytes, 'B');
}

/** `2,914`. */
export function readableCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** `1 file`, `2,914 files`. */
export function readableFiles(count: number): string {
  return `${readableCount(count)} ${count === 1 ? 'file' : 'files'}`;
}

/** `1 packet`, `12 packets`. */
export function readablePackets(count: number): string {
  return count === 1 ? '1 packet' : `${readableCount(count)} packets`;
}

/** `62.3`, `7.12`, `1,240`. */
export function readableNumber(value: number): string {
  return value >= 999.5 ? readableCount(value) : threeDigits(value);
}

/** `4 s`, `3 min 20 s`, `5 h 10 min`, `12 d 3 h`: at most two units. */
export function readableDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return twoUnits(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return twoUnits(hours, 'h', minutes % 60, 'min');
  return twoUnits(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/**
 * Local time: `14:32` on the same day or within 12 hours, `Mon 08:00` within six days, else
 * `3 Dec 08:00`.
 */
export function readableMoment(atMs: number, nowMs: number): string {
  const [at, now] = [new Date(atMs), new Date(nowMs)];
  const time = `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
  const awayMs = Math.abs(atMs - nowMs);
  if (at.toDateString() === now.toDateString() || awayMs < 12 * HOUR_MS) return time;
  if (awayMs < 6 * 24 * HOUR_MS) return `${WEEKDAYS[at.getDay()]} ${time}`;
  return `${at.getDate()} ${MONTHS[at.getMonth()]} ${time}`;
}

/** `now`, `in 40 s`. */
export function readableWait(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? 'now' : `in ${readableDuration(atMs - nowMs)}`;
}

/** `50 %`, `12.5 %`. */
export function readableShare(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const whole = `${readableCount(large)} ${largeUnit}`;
  return small === 0 ? whole : `${whole} ${small} ${smallUnit}`;
}

function scaled(value: number, unit: string): string {
  let step = 0;
  let rest = value;
  // 999.5 would be written as 1,000, so it belongs to the next unit.
  while (Math.abs(rest) >= 999.5 && step < STEPS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const digits = step === 0 ? String(Math.round(rest)) : readableNumber(rest);
  return `${digits} ${STEPS[step]}${unit}`;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  return value.toFixed(size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2);
}
