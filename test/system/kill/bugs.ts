// Bugs that would lose files or leak uploads, put into the compiled daemon: what the kills do not find in these, they
// would not find in the code either. Each is what somebody in a hurry might write.
import type { Patch } from '../../support/built-daemon.ts';
import type { Violation } from '../../support/oracle.ts';

export interface Bug {
  readonly patches: readonly Patch[];
  /** What it leads to: a find of another kind would be luck. */
  readonly foundBy: Violation['kind'];
}

const TRANSFER = 'drain/transfer.js';
const ASIDE = 'spool/aside.js';

export const BUGS: Readonly<Record<string, Bug>> = {
  'asks for no proof': {
    foundBy: 'lost',
    patches: [
      {
        file: TRANSFER,
        from: 'isProof(answered) ? answered : await prove(file, upload, store, signal)',
        to: '{ files: [file.identity], key: upload.receipt.key, sizeBytes: ready.sizeBytes, by: "etag" }',
      },
    ],
  },
  'forgets the id of a multipart upload': {
    foundBy: 'open upload',
    patches: [
      { file: 'store/s3/upload-record.js', from: 'this.#file.journal?.save(upload)', to: 'undefined' },
    ],
  },
  'deletes whatever has the name by now': {
    foundBy: 'lost',
    patches: [
      {
        file: TRANSFER,
        from: 'if (!sameContentIdentity(await file.currentIdentity(), file.identity))',
        to: 'if (false)',
      },
      { file: 'spool/unchanged.js', from: 'if (sameIdentity(now, trusted))', to: 'if (true)' },
      {
        file: ASIDE,
        from: 'if (sameContentIdentity(moved, known.identity) && sameContentIdentity(moved, held))',
        to: 'if (true)',
      },
      { file: ASIDE, from: 'if (!isProofOf(proof, moved.identity))', to: 'if (false)' },
    ],
  },
  'forgets what it had set aside': {
    foundBy: 'leftover',
    patches: [
      {
        file: ASIDE,
        from: 'for await (const { slot, path } of this.#slots.leftovers())',
        to: 'for (const { slot, path } of [])',
      },
    ],
  },
  'answers 201 before the file has its name': {
    foundBy: 'lost',
    patches: [
      {
        file: 'ingest/intake.js',
        from: 'const outcome = await file.publish(path, content, mode);',
        to: 'file.discard = async () => {}; const outcome = "created"; setTimeout(() => file.publish(path, content, mode).catch(() => {}), 800);',
      },
    ],
  },
};
