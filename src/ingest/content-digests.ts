// The digests of an upload: those that its header fields state, and those of the bytes that came.
import { createHash, type Hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { parseDictionary } from 'structured-headers';
import { Refusal } from './refusal.ts';

/** By the name in RFC 9530, and its bytes. Weaker algorithms of its registry are ignored. */
const ALGORITHMS = { 'sha-256': 32, 'sha-512': 64 } as const;
const MD5_BYTES = 16;

type Algorithm = keyof typeof ALGORITHMS | 'md5';

interface StatedDigest {
  readonly field: string;
  readonly algorithm: Algorithm;
  readonly value: Buffer;
}

/** Collects one upload's digests while its bytes pass. */
export class ContentDigests {
  readonly #stated: readonly StatedDigest[];
  readonly #hashes: ReadonlyMap<Algorithm, Hash>;

  /** Reads Content-Digest, Repr-Digest and Content-MD5. Throws a Refusal if one is malformed. */
  constructor(headers: IncomingHttpHeaders) {
    this.#stated = [
      // They are the same here, because an upload is whole and has no content coding.
      ...dictionaryDigests('Content-Digest', headers['content-digest']),
      ...dictionaryDigests('Repr-Digest', headers['repr-digest']),
      ...md5Digests(headers['content-md5']),
    ];
    const needed = new Set<Algorithm>(['sha-256', ...this.#stated.map(({ algorithm }) => algorithm)]);
    this.#hashes = new Map([...needed].map((name) => [name, createHash(name.replace('sha-', 'sha'))]));
  }

  update(chunk: Buffer): void {
    for (const hash of this.#hashes.values()) hash.update(chunk);
  }

  /** To be called once, after the last byte. Throws a Refusal if a stated digest differs. */
  verified(): { readonly sha256: Buffer } {
    const values = new Map([...this.#hashes].map(([name, hash]) => [name, hash.digest()]));
    for (const { field, algorithm, value } of this.#stated)
      if (values.get(algorithm)?.equals(value) !== true)
        throw new Refusal(
          'digest-mismatch',
          `The received bytes have another ${algorithm} than ${field} states: send the file again`,
        );
    return { sha256: values.get('sha-256') ?? Buffer.alloc(0) };
  }
}

/** The value of the field Repr-Digest. */
export function reprDigest(sha256: Buffer): string {
  return `sha-256=:${sha256.toString('base64')}:`;
}

function dictionaryDigests(field: string, text: string | readonly string[] | undefined): StatedDigest[] {
  if (text === undefined) return [];
  const dictionary = dictionaryOf(field, `${text}`);
  return Object.entries(ALGORITHMS).flatMap(([name, bytes]) => {
    const [bare] = dictionary.get(name) ?? [];
    if (bare === undefined) return [];
    const value = bare instanceof ArrayBuffer ? Buffer.from(bare) : undefined;
    if (value?.byteLength !== bytes) throw malformed(field, `sha-256=:${'A'.repeat(43)}=:`);
    return [{ field, algorithm: name as keyof typeof ALGORITHMS, value }];
  });
}

function dictionaryOf(field: string, text: string): ReturnType<typeof parseDictionary> {
  try {
    return parseDictionary(text);
  } catch {
    throw malformed(field, `sha-256=:${'A'.repeat(43)}=:`);
  }
}

function md5Digests(text: string | readonly string[] | undefined): StatedDigest[] {
  if (text === undefined) return [];
  const value = Buffer.from(`${text}`, 'base64');
  if (value.byteLength !== MD5_BYTES || value.toString('base64') !== text)
    throw malformed('Content-MD5', `${'A'.repeat(22)}==`);
  return [{ field: 'Content-MD5', algorithm: 'md5', value }];
}

function malformed(field: string, example: string): Refusal {
  return new Refusal('digest-malformed', `${field} must have the form ${example} with the digest in base64`);
}
