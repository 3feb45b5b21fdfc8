// Makes lists of files from what the stages know.
import type { Backlog } from '../backlog/backlog.ts';
import type { Drain } from '../drain/drain.ts';
import type { TransferView, WaitingFiles } from '../drain/drain-ports.ts';
import { packetOf } from '../packets/packet.ts';
import type { SealedPacket } from '../packets/sealed-packets.ts';
import type { Entry } from '../spool/entry.ts';
import type { SpoolDirectory } from '../spool/spool-directory.ts';
import type { Clock } from '../system/clock.ts';
import { type FileListName, type FileListView, type FileView, fileView } from '../view/file-list.ts';
import { type RecentFiles, whyOf } from './recent-files.ts';

export interface FileListsPorts {
  readonly clock: Clock;
  readonly backlog: Pick<Backlog, 'view' | 'waiting' | 'deferred' | 'skipped'>;
  readonly drain: Pick<Drain, 'transfers' | 'failureOf' | 'waiting'>;
  readonly packets: {
    readonly packets: Iterable<Pick<SealedPacket, 'entry' | 'left' | 'isTaken'>>;
    readonly gatheredFiles: Iterable<Entry>;
  };
  readonly spool: Pick<SpoolDirectory, 'listQuarantine' | 'quarantinedBytes' | 'quarantinedCount'>;
  readonly recent: RecentFiles;
  /** The requests that are under way. */
  readonly requests: () => Iterable<{ readonly path: string; readonly unsentBytes: number }>;
}

/** Each list is made on request; none grows with the backlog. Rejects with a Fault of the spool. */
export class FileLists {
  readonly #ports: FileListsPorts;

  constructor(ports: FileListsPorts) {
    this.#ports = ports;
  }

  /** At most `limit` files. */
  async of(list: FileListName, limit: number): Promise<FileListView> {
    const { backlog, recent } = this.#ports;
    const { files, inFlight, deferred, written, skipped } = backlog.view();
    switch (list) {
      case 'waiting': {
        const taken = this.#waitingForPackets();
        const others = backlog.waiting(Math.max(0, limit - taken.length));
        const waiting = others.map((entry) => fileView(entry.path, 'waiting', known(entry)));
        const total = Math.max(0, files - inFlight - deferred - written) + taken.length;
        return { list, files: [...taken, ...waiting].slice(0, limit), total };
      }
      case 'sending':
        return this.#whole(list, this.sending(), limit);
      case 'deferred':
        return { list, files: this.#deferred().slice(0, limit), total: deferred + written };
      case 'skipped': {
        const paths = backlog
          .skipped(limit)
          .map(({ path, what, remedy }) => fileView(path, what, { remedy }));
        return { list, files: paths, total: skipped.reduce((sum, { count }) => sum + count, 0) };
      }
      case 'quarantined':
        return this.#quarantined(limit);
      case 'recent':
        return this.#whole(list, recent.all(Number.POSITIVE_INFINITY), limit);
    }
  }

  /** The files in flight, the oldest transfer first, at most `limit`. */
  sending(limit = Number.POSITIVE_INFINITY): FileView[] {
    const requests = [...this.#ports.requests()].map(({ path, unsentBytes }) => ({
      path: decoded(path),
      unsentBytes,
    }));
    const wallAtZeroMs = this.#wallAtZeroMs();
    const found: FileView[] = [];
    for (const transfer of this.#ports.drain.transfers()) {
      if (found.length >= limit) break;
      const { entry, stage, startedAtMs, key } = transfer;
      const sentBytes = sentBytesOf(transfer, requests);
      const sinceAtMs = Math.round(wallAtZeroMs + startedAtMs);
      const files = packetOf(entry)?.members.length ?? null;
      const seen = { ...known(entry), files, sinceAtMs, sentBytes, key: key ?? null };
      found.push(fileView(entry.path, STAGES[stage], seen));
    }
    return found;
  }

  /** Packets that are not sent yet, and files that wait for company. */
  #waitingForPackets(): FileView[] {
    const { packets, gatheredFiles } = this.#ports.packets;
    const found: FileView[] = [];
    for (const { entry, left, isTaken } of packets) {
      const packet = { ...known(entry), files: left.size, key: entry.key };
      if (!isTaken) found.push(fileView(entry.path, 'waiting', packet));
    }
    for (const entry of gatheredFiles) found.push(fileView(entry.path, 'waits for company', known(entry)));
    return found;
  }

  #whole(list: FileListName, files: readonly FileView[], limit: number): FileListView {
    return { list, files: files.slice(0, limit), total: files.length };
  }

  #deferred(): FileView[] {
    const { backlog, drain } = this.#ports;
    const wallAtZeroMs = this.#wallAtZeroMs();
    const folders = drain.waiting.filter(({ isFolder }) => isFolder);
    const files = [...backlog.deferred()].map(({ entry, dueAtMs, dueWhenChangedMs }) => {
      const failure = drain.failureOf(entry.path);
      const state = dueWhenChangedMs === undefined ? 'deferred' : 'still being written';
      return fileView(entry.path, state, {
        ...known(entry),
        ...(failure?.why && whyOf(failure.why)),
        attempts: failure?.failures ?? null,
        nextTryAtMs: Math.round(wallAtZeroMs + dueAtMs),
      });
    });
    files.sort((a, b) => (a.modifiedAtMs ?? 0) - (b.modifiedAtMs ?? 0));
    return [...folders.map((held) => heldFolder(held, wallAtZeroMs)), ...files];
  }

  async #quarantined(limit: number): Promise<FileListView> {
    const { spool } = this.#ports;
    const files: FileView[] = [];
    for await (const quarantined of spool.listQuarantine()) {
      if (files.length === limit) break;
      const { id, path, reason, hint, code, at } = quarantined;
      const sizeBytes = await spool.quarantinedBytes(quarantined);
      // A human has taken the file out.
      if (sizeBytes === undefined) continue;
      const why = { id, reason, remedy: hint ?? null, code: code ?? null };
      files.push(fileView(path, 'quarantined', { ...why, sizeBytes, sinceAtMs: Date.parse(at) }));
    }
    files.sort((a, b) => (a.sinceAtMs ?? 0) - (b.sinceAtMs ?? 0));
    return { list: 'quarantined', files, total: await spool.quarantinedCount() };
  }

  /** What the wall clock showed when the monotonic clock began. */
  #wallAtZeroMs(): number {
    const { clock } = this.#ports;
    return clock.wallMs() - clock.monotonicMs();
  }
}

const STAGES = { ahead: 'read ahead', sending: 'sending', disposing: 'removing' } as const;

function known({ identity, modifiedAtMs }: Entry): Pick<FileView, 'sizeBytes' | 'modifiedAtMs'> {
  return { sizeBytes: identity.sizeBytes, modifiedAtMs: Math.round(modifiedAtMs) };
}

/** What was read, without what the requests for this key still have to hand over. */
function sentBytesOf(
  { entry, stage, key, readBytes }: TransferView,
  requests: readonly { readonly path: string; readonly unsentBytes: number }[],
): number {
  if (stage === 'disposing') return entry.identity.sizeBytes;
  if (stage === 'ahead' || key === undefined) return 0;
  const end = `/${key}`;
  const own = requests.filter(({ path }) => path.endsWith(end));
  const unsent = own.reduce((sum, { unsentBytes }) => sum + unsentBytes, 0);
  return Math.max(0, readBytes - unsent);
}

function heldFolder({ example, files, fault, nextTryAtMs }: WaitingFiles, wallAtZeroMs: number): FileView {
  const path = { bytes: Buffer.from(example), toString: () => example };
  return fileView(path, `${files} held with their folder`, {
    ...whyOf(fault),
    nextTryAtMs: Math.round(wallAtZeroMs + nextTryAtMs),
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return path;
    throw error;
  }
}
