// Remembers uploads whose files could not be removed.
import { type FileIdentity, type SpoolPath, sameContentIdentity } from '../spool/entry.ts';
import type { LocalContent, Upload } from '../store/object-store.ts';
import type { StoredMember } from './stored-member.ts';

interface IdentifiedFile {
  readonly path: SpoolPath;
  readonly identity: FileIdentity;
}

export interface UnremovedUpload extends IdentifiedFile {
  readonly upload: Upload;
  /** The content of the file, if the upload was that of its packet. */
  readonly content?: LocalContent;
  /** True if the manifest has its line. */
  readonly isRecorded: boolean;
}

/** A file that was stored with its packet, and has its line in the manifest. */
export function packedUpload({ path, identity, sha256Hex }: StoredMember, upload: Upload): UnremovedUpload {
  const parts = [{ sha256Hex, md5Hex: '' }];
  const content = { sizeBytes: identity.sizeBytes, parts, multipart: false };
  return { path, identity, upload, content, isRecorded: true };
}

/**
 * How many parts of all remembered uploads are kept, each with digests of about 250 bytes. Beyond
 * this, the oldest uploads are forgotten.
 */
const PARTS_MAX = 20_000;

/**
 * When such a file is tried again, the store is asked whether it still holds the content, and
 * nothing is sent. A restart forgets the uploads; they are then made again.
 */
export class UnremovedUploads {
  readonly #byId = new Map<string, UnremovedUpload>();
  #parts = 0;

  keep(unremoved: UnremovedUpload): void {
    const { path, upload } = unremoved;
    this.forget(path);
    this.#parts += upload.local.parts.length;
    this.#byId.set(path.id, unremoved);
    for (const oldest of this.#byId.values()) {
      if (this.#parts <= PARTS_MAX) break;
      this.forget(oldest.path);
    }
  }

  /**
   * The upload of this content, with the file's identity when it was read (its ctime may have
   * changed since). Undefined if there is none.
   */
  of({ path, identity }: IdentifiedFile): UnremovedUpload | undefined {
    const kept = this.#byId.get(path.id);
    return kept !== undefined && sameContentIdentity(kept.identity, identity) ? kept : undefined;
  }

  forget({ id }: SpoolPath): void {
    this.#parts -= this.#byId.get(id)?.upload.local.parts.length ?? 0;
    this.#byId.delete(id);
  }
}
