// Watches that no file of a simulated world is removed before the manifest has its line on the disk, and that the line is
// there in the end, whatever power cuts took.
import { parseLine } from '../../src/manifest/manifest-line.ts';
import { compositeSha256 } from '../../src/store/digest.ts';
import type { Violation } from './oracle.ts';
import type { SimDisk, SimNode } from './sim-spool-disk.ts';
import { digestOf } from './sim-world-producers.ts';

export const STATE = '/state';
export const MANIFEST = `${STATE}/manifest.jsonl`;

/** A content that was removed under a path, and the digests by which a line may name it. */
interface Removed {
  readonly path: string;
  readonly content: Buffer;
}

export class ManifestWatch {
  readonly #disk: SimDisk;
  readonly #removed: Removed[] = [];

  constructor(disk: SimDisk) {
    this.#disk = disk;
  }

  get removals(): number {
    return this.#removed.length;
  }

  /** A process is about to remove a file that it has set aside. */
  removing(path: string, node: SimNode): Violation | undefined {
    // It has other names, or it was written to since it was set aside: its content comes back.
    if (node.links > 1 || node.mtimeNs === node.ctimeNs) return undefined;
    const removed = { path, content: node.content };
    this.#removed.push(removed);
    const synced = this.#files().map((file) => this.#disk.onDisk(file));
    if (isIn(synced, removed)) return undefined;
    return { kind: 'unrecorded', what: `${path} is removed, and its line is not on the disk` };
  }

  judge(): Violation[] {
    const contents = this.#files().map(({ content }) => content);
    return this.#removed
      .filter((removed) => !isIn(contents, removed))
      .map(({ path }) => ({ kind: 'unrecorded', what: `${path} was removed, and its line is gone` }));
  }

  #files(): SimNode[] {
    return [...this.#disk.files(STATE)].map(([, node]) => node);
  }
}

function isIn(contents: readonly Buffer[], { path, content }: Removed): boolean {
  return contents.some((text) =>
    text
      .toString('utf8')
      .split('\n')
      .some((line) => {
        const found = parseLine(line);
        if (found?.path !== path || found.bytes !== content.length) return false;
        return (
          found.sha256 === digestOf(content) || found.sha256OfParts === inParts(content, found.partBytes)
        );
      }),
  );
}

function inParts(content: Buffer, partBytes = content.length): string {
  const parts = Array.from({ length: Math.ceil(content.length / partBytes) }, (_, at) => ({
    md5Hex: '',
    sha256Hex: digestOf(content.subarray(at * partBytes, (at + 1) * partBytes)),
  }));
  return compositeSha256(parts);
}
