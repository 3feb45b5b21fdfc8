// Decides whether a file is worth compressing, from a sample of the files with its extension.

import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';

const deflated = promisify(deflateRaw);

export type CompressionSetting = 'auto' | 'always' | 'never';

/** Less than this tells of the headers of a file, not of its content. */
const SAMPLE_BYTES_MIN = 1_024;
const SAMPLE_BYTES_MAX = 64 * 1024;
/** Compressing has to make a sample smaller by a tenth. */
const SHRINKS_TO = 0.9;
/** After so many files, a sample is taken again. */
const FILES_PER_SAMPLE = 1_000;
const EXTENSIONS_MAX = 1_000;

/** Deterministic. */
export class Compression {
  readonly #setting: CompressionSetting;
  readonly #known = new Map<string, { readonly pays: boolean; files: number }>();

  constructor(setting: CompressionSetting) {
    this.#setting = setting;
  }

  /** Resolves with whether the file is to be compressed. */
  async pays(name: string, content: Buffer): Promise<boolean> {
    if (this.#setting !== 'auto') return this.#setting === 'always';
    const extension = /\.[^./]{1,16}$/.exec(name)?.[0].toLowerCase() ?? '';
    const known = this.#known.get(extension);
    if (known !== undefined && known.files < FILES_PER_SAMPLE) {
      known.files += 1;
      return known.pays;
    }
    const sample = content.subarray(0, SAMPLE_BYTES_MAX);
    const pays = (await deflated(sample)).byteLength < SHRINKS_TO * sample.byteLength;
    if (sample.byteLength >= SAMPLE_BYTES_MIN && this.#known.size < EXTENSIONS_MAX)
      this.#known.set(extension, { pays, files: 1 });
    return pays;
  }
}
