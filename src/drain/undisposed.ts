// Uploads whose files could not be removed: when such a file is tried again, the store is asked whether it still holds
// it, and nothing is sent. Forgotten on a restart; an upload that is not found here is merely made again.
import { type FileIdentity, type SpoolPath, sameIdentity } from '../spool/entry.ts';
import type { Upload } from '../store/object-store.ts';

interface IdentifiedFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

/** Of all uploads kept, with a digest of some 250 bytes each: beyond that the oldest are forgotten. */
const PARTS_MAX = 20_000;

export class Undisposed {
  readonly #byId = new Map<string, IdentifiedFile & { readonly upload: Upload }>();
  #parts = 0;

  keep({ path, identity }: IdentifiedFile, upload: Upload): void {
    this.forget(path);
    this.#parts += upload.local.parts.length;
    this.#byId.set(path.id, { path, identity, upload });
    for (const oldest of this.#byId.values()) {
      if (this.#parts <= PARTS_MAX) break;
      this.forget(oldest.path);
    }
  }

  /** The upload of this very content; undefined when there is none. */
  of({ path, identity }: IdentifiedFile): Upload | undefined {
    const kept = this.#byId.get(path.id);
    return kept !== undefined && sameIdentity(kept.identity, identity) ? kept.upload : undefined;
  }

  forget({ id }: SpoolPath): void {
    this.#parts -= this.#byId.get(id)?.upload.local.parts.length ?? 0;
    this.#byId.delete(id);
  }
}
