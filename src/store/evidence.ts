// Decides what a store's answer says about the bytes it holds: the same as ours, different, or
// unknown. The only place where digests are compared, in all the ways stores write them. Doubt is
// `unknown`, never `same`.
import { compositeMd5, compositeSha256 } from './digest.ts';
import type { Digest, LocalContent, Receipt } from './object-store.ts';

/** The code of a fault: the store may hold the bytes, and does not show it. */
export const NOT_PROVEN = 'NotProven';

export type Evidence =
  | { readonly verdict: 'same'; readonly by: 'sha256' | 'etag' | 'read-back' }
  | { readonly verdict: 'different' | 'unknown'; readonly because: string };

export interface Trust {
  /** The store is known to use MD5s as ETags, so that another MD5 means different bytes. */
  readonly md5Etags?: boolean;
  /**
   * Other programs may have written the object. Two contents can be made to share an MD5, so that
   * an MD5 alone does not mean `same`.
   */
  readonly byOthers?: boolean;
}

/**
 * The strongest field of the answer decides. A field that cannot be compared leaves the decision to
 * the next one.
 */
export function evidenceOf(local: LocalContent, answer: Receipt, trust: Trust = {}): Evidence {
  const { sizeBytes, readBack } = answer;
  if (sizeBytes !== undefined && sizeBytes !== local.sizeBytes)
    return different(`the store holds ${sizeBytes} bytes, the file has ${local.sizeBytes}`);
  if (readBack !== undefined) {
    if (areSame(local.parts, readBack)) return { verdict: 'same', by: 'read-back' };
    return different('the object read back differs from the file');
  }
  return bySha256(local, answer) ?? byMd5(local, answer, trust) ?? byNothing(answer);
}

function bySha256(local: LocalContent, { checksumSha256, checksumIsComposite, etag }: Receipt) {
  const answered = checksumSha256 === undefined ? undefined : digestIn(checksumSha256, 32);
  // Some stores use a SHA-256 as the ETag.
  const tag = etag === undefined ? undefined : digestIn(etag, 32);
  const wholes = wholesOf(local);
  for (const found of [answered, tag]) {
    if (found === undefined) continue;
    const isWhole = found.parts === undefined && wholes.some(({ sha256Hex }) => sha256Hex === found.hex);
    // Some stores leave out the number of parts at the end.
    const isComposite = () =>
      (found.parts ?? local.parts.length) === local.parts.length &&
      found.hex === compositeSha256(local.parts);
    if (isWhole || isComposite()) return { verdict: 'same', by: 'sha256' } as const;
  }
  if (answered === undefined) return undefined;
  const because = `the store's SHA-256 ${checksumSha256} is not the file's`;
  if (answered.parts === undefined && checksumIsComposite !== true && !local.multipart)
    return different(because);
  // A composed digest also depends on where the parts were cut, so it cannot prove that the
  // contents differ. But no MD5 is believed against it.
  return answered.parts === local.parts.length ? unknown(because) : undefined;
}

function byMd5(local: LocalContent, { md5, etag, etagIsOpaque }: Receipt, trust: Trust) {
  const wholes = wholesOf(local);
  if (local.parts.some(({ md5Hex }) => md5Hex === '')) return undefined;
  for (const text of [md5, etag]) {
    const found = text === undefined ? undefined : digestIn(text, 16);
    if (found === undefined) continue;
    const isWhole = found.parts === undefined && wholes.some(({ md5Hex }) => md5Hex === found.hex);
    const isComposite = () =>
      local.multipart &&
      (found.parts ?? local.parts.length) === local.parts.length &&
      found.hex === compositeMd5(local.parts);
    if (!isWhole && !isComposite()) continue;
    if (trust.byOthers !== true) return { verdict: 'same', by: 'etag' } as const;
    return unknown('only an MD5 matches, and another program may have written the object');
  }
  const tag = etag === undefined ? undefined : digestIn(etag, 16);
  const isOther = tag !== undefined && tag.parts === undefined && !local.multipart;
  if (trust.md5Etags === true && isOther && etagIsOpaque !== true)
    return different(`the store's MD5 ${etag} is not the file's`);
  return undefined;
}

function byNothing({ etag, checksumSha256 }: Receipt): Evidence {
  const sha256 = checksumSha256 === undefined ? '' : `, SHA-256 ${checksumSha256}`;
  return unknown(`the store's answer cannot be compared (ETag ${etag ?? 'missing'}${sha256})`);
}

/** The digest of the whole content, if it is known. */
function wholesOf({ parts, multipart, whole }: LocalContent): readonly Digest[] {
  if (whole !== undefined) return [whole];
  return multipart && parts.length !== 1 ? [] : parts;
}

function areSame(parts: readonly Digest[], others: readonly Digest[]): boolean {
  return (
    parts.length === others.length && parts.every((part, at) => part.sha256Hex === others[at]?.sha256Hex)
  );
}

export interface AnsweredDigest {
  readonly hex: string;
  /** The number of parts it is composed of, if the store says so. */
  readonly parts: number | undefined;
}

/**
 * Reads a digest of `bytes` bytes in the forms stores use: hex in either case or base64 (either
 * alphabet, padded or not), in quotes or not, weak (`W/`) or with the suffix of a compressing
 * proxy. Undefined for anything else: that is opaque.
 */
export function digestIn(text: string, bytes: number): AnsweredDigest | undefined {
  // What nearly every store writes.
  const [, quoted] = /^"([0-9a-f]+)"$/.exec(text) ?? [];
  if (quoted?.length === 2 * bytes) return { hex: quoted, parts: undefined };
  const bare = unquoted(text).replace(/[-;]+gzip$/, '');
  const hex = hexOf(bare, bytes);
  if (hex !== undefined) return { hex, parts: undefined };
  // Only now, because `-` also belongs to one of the base64 alphabets.
  const [, digest = '', parts] = /^(.+)-(\d{1,5})$/.exec(bare) ?? [];
  const composed = hexOf(digest, bytes);
  return composed === undefined ? undefined : { hex: composed, parts: Number(parts) };
}

/** Some ETags come without quotes, some with quotes written for XML. */
export function unquoted(etag: string): string {
  return etag
    .trim()
    .replace(/^W\//i, '')
    .replace(/^(?:"|&quot;|&#34;)|(?:"|&quot;|&#34;)$/g, '');
}

function hexOf(text: string, bytes: number): string | undefined {
  if (text.length === 2 * bytes) return /^[0-9a-f]+$/i.test(text) ? text.toLowerCase() : undefined;
  const digits = Math.ceil((bytes * 4) / 3);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text) || text.replace(/=+$/, '').length !== digits) return undefined;
  return Buffer.from(text, 'base64').toString('hex');
}

function different(because: string): Evidence {
  return { verdict: 'different', because };
}

function unknown(because: string): Evidence {
  return { verdict: 'unknown', because };
}
