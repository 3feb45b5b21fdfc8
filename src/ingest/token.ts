// A token: the secret by which a producer may bring files. It is shown once; what is stored is its
// SHA-256.
import { createHash, randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Tools that look for secrets in sources and logs recognise a token by it. */
const MARK = 'hp_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 32 × log2(62) = 190 bits. */
const RANDOM_DIGITS = 32;
/** 62⁶ is more than the 2³² values of a CRC-32. */
const CHECK_DIGITS = 6;
const TOKEN = new RegExp(`^${MARK}[${DIGITS}]{${RANDOM_DIGITS + CHECK_DIGITS}}$`);

/** Makes another token at each call. */
export function makeToken(): string {
  const random = Array.from({ length: RANDOM_DIGITS }, () => DIGITS[randomInt(DIGITS.length)]).join('');
  return withCheckDigits(`${MARK}${random}`);
}

/** False if the text was mistyped or cut short: the check digits then differ. */
export function isToken(text: string): boolean {
  return TOKEN.test(text) && withCheckDigits(text.slice(0, -CHECK_DIGITS)) === text;
}

/** The SHA-256 of a token. The token has so many random bits that no salt is needed. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function withCheckDigits(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let place = 0; place < CHECK_DIGITS; place += 1) {
    digits = `${DIGITS[rest % DIGITS.length]}${digits}`;
    rest = Math.floor(rest / DIGITS.length);
  }
  return `${body}${digits}`;
}
