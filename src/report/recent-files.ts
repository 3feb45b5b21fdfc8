// Remembers the last files that were uploaded, and the last that failed.
import type { PacketMember } from '../packets/packet.ts';
import type { Clock } from '../system/clock.ts';
import { type Fault, withoutHint } from '../system/fault.ts';
import { type FileView, fileView } from '../view/file-list.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { uploadedFiles } from './uploaded-files.ts';

/** How many uploads and how many failures are kept, each in about half a kilobyte. */
const FILES_MAX = 500;

type Uploaded = Extract<DaemonEvent, { kind: 'uploaded' }>;

/** Its view is made when it is asked for, because most are never seen. */
interface Upload {
  readonly event: Uploaded;
  /** The one of its packet's files; undefined if it was sent by itself. */
  readonly member: PacketMember | undefined;
  readonly sinceAtMs: number;
}

/** Hears events. The newest comes first. */
export class RecentFiles {
  readonly #clock: Clock;
  readonly #filesMax: number;
  #uploads: Upload[] = [];
  #failures: FileView[] = [];

  constructor(clock: Clock, filesMax = FILES_MAX) {
    this.#clock = clock;
    this.#filesMax = filesMax;
  }

  uploads(limit: number): readonly FileView[] {
    return this.#uploads.slice(-limit).reverse().map(uploadView);
  }

  failures(limit: number): readonly FileView[] {
    return this.#failures.slice(-limit).reverse();
  }

  /** Uploads and failures. */
  all(limit: number): readonly FileView[] {
    const all = [...this.#uploads.map(uploadView), ...this.#failures];
    return all.sort((a, b) => (b.sinceAtMs ?? 0) - (a.sinceAtMs ?? 0)).slice(0, limit);
  }

  readonly hear = (event: DaemonEvent): void => {
    const sinceAtMs = this.#clock.wallMs();
    switch (event.kind) {
      case 'uploaded':
        for (const member of latestMembers(event, this.#filesMax))
          this.#uploads = this.#bounded(this.#uploads, { event, member, sinceAtMs });
        return;
      case 'deferred': {
        const nextTryAtMs = Math.round(sinceAtMs + event.delayMs);
        this.#failed('deferred', event, { sinceAtMs, nextTryAtMs });
        return;
      }
      case 'quarantined':
        this.#failed('quarantined', event, { sinceAtMs });
        return;
    }
  };

  #failed(
    state: string,
    { entry, fault }: Pick<Extract<DaemonEvent, { kind: 'quarantined' }>, 'entry' | 'fault'>,
    known: Partial<FileView>,
  ): void {
    const file = { sizeBytes: entry.identity.sizeBytes, modifiedAtMs: Math.round(entry.modifiedAtMs) };
    const view = fileView(entry.path, state, { ...file, ...whyOf(fault), ...known });
    this.#failures = this.#bounded(this.#failures, view);
  }

  /** Cuts seldom, because a cut copies. */
  #bounded<File>(files: File[], file: File): File[] {
    files.push(file);
    return files.length < 2 * this.#filesMax ? files : files.slice(-this.#filesMax);
  }
}

/** The last `limit` files of a packet, or the one file. */
function latestMembers(event: Uploaded, limit: number): readonly (PacketMember | undefined)[] {
  return uploadedFiles(event).members?.slice(-limit) ?? [undefined];
}

function uploadView({ event, member, sinceAtMs }: Upload): FileView {
  const { entry, transferred, durationMs } = event;
  const { outcome, proof, sha256Hex } = transferred;
  const file = member ?? entry;
  return fileView(file.path, outcome === 'stored' ? 'uploaded' : 'already there', {
    sizeBytes: (member ?? entry).identity.sizeBytes,
    modifiedAtMs: Math.round(file.modifiedAtMs),
    sinceAtMs,
    key: proof.key,
    member: member?.name ?? null,
    sha256: (member ?? { sha256Hex }).sha256Hex ?? null,
    durationMs: Math.round(durationMs),
  });
}

type Why = Pick<Fault, 'code' | 'message' | 'hint'>;

export function whyOf(why: Why): Pick<FileView, 'code' | 'reason' | 'remedy'> {
  return { code: why.code ?? null, reason: withoutHint(why), remedy: why.hint ?? null };
}
