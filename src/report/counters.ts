// Counts what was done since the start.
import type { Totals } from '../view/snapshot.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { uploadedFiles } from './uploaded-files.ts';

/** Counts events; see Totals for what each number means. */
export class Counters {
  readonly #totals: { -readonly [Name in keyof Totals]: Totals[Name] } = {
    uploadedFiles: 0,
    uploadedBytes: 0,
    alreadyThereFiles: 0,
    verifiedFiles: 0,
    deletedFiles: 0,
    multipartFiles: 0,
    uploadedPackets: 0,
    packedFiles: 0,
    repeatedFiles: 0,
    retries: 0,
    quarantinedFiles: 0,
  };

  /** A copy that later events do not change. */
  get totals(): Totals {
    return { ...this.#totals };
  }

  readonly hear = (event: DaemonEvent): void => {
    switch (event.kind) {
      case 'uploaded': {
        const { outcome, multipart } = event.transferred;
        const { files, bytes, members } = uploadedFiles(event);
        this.#add('verifiedFiles', files);
        this.#add('deletedFiles', files);
        if (multipart) this.#add('multipartFiles');
        this.#add(outcome === 'stored' ? 'uploadedFiles' : 'alreadyThereFiles', files);
        if (outcome !== 'stored') return;
        this.#add('uploadedBytes', bytes);
        if (members === undefined) return;
        this.#add('uploadedPackets');
        return this.#add('packedFiles', files);
      }
      case 'membersUploaded': {
        const { members } = event;
        const bytes = members.reduce((sum, { identity }) => sum + identity.sizeBytes, 0);
        for (const name of ['verifiedFiles', 'deletedFiles', 'uploadedFiles', 'packedFiles'] as const)
          this.#add(name, members.length);
        return this.#add('uploadedBytes', bytes);
      }
      case 'membersRepeated':
        return this.#add('repeatedFiles', event.members.length);
      case 'packetSplit':
      case 'packetDropped':
        return this.#add('repeatedFiles', event.repeated);
      case 'deferred':
        return this.#add('retries');
      case 'quarantined':
      case 'superseded':
        return this.#add('quarantinedFiles');
    }
  };

  #add(name: keyof Totals, amount = 1): void {
    this.#totals[name] += amount;
  }
}
