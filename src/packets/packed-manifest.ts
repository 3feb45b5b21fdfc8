// The manifest as the drain sees it where small files travel in packets: it gets a line for each
// member.
import type { DrainManifest, StoredFile } from '../drain/drain-ports.ts';
import type { Fault } from '../system/fault.ts';
import type { SealedPackets } from './sealed-packets.ts';

/** See DrainManifest. */
export class PackedManifest implements DrainManifest {
  readonly #manifest: DrainManifest;
  readonly #sealed: Pick<SealedPackets, 'at'>;

  constructor(manifest: DrainManifest, sealed: Pick<SealedPackets, 'at'>) {
    this.#manifest = manifest;
    this.#sealed = sealed;
  }

  get isKept(): boolean {
    return this.#manifest.isKept;
  }

  async record(stored: StoredFile): Promise<void> {
    const packet = this.#sealed.at(stored.path);
    if (packet === undefined) return this.#manifest.record(stored);
    const members = [...packet.left.values()];
    await Promise.all(
      members.map((member) => {
        const { path, identity } = member;
        return this.#manifest.record({ ...stored, path, mtimeNs: identity.mtimeNs, member });
      }),
    );
  }

  trouble(): Promise<Fault | undefined> {
    return this.#manifest.trouble();
  }
}
