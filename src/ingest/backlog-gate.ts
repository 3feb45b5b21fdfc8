// Asks producers to wait while more waits in the spool than the operator allows. Uploads under way
// count as if they were in the spool.
import type { BacklogLimit } from '../config/ingest-formats.ts';
import type { BacklogSize } from './ingest-options.ts';
import { Refusal } from './refusal.ts';

interface Accepted {
  /** The main thread counts these files when it has finished so many scans. */
  readonly countedAtScan: number;
  readonly files: number;
  readonly bytes: number;
}

/** The place of one upload in the backlog. release() gives it back. */
export interface Place {
  /** Bytes that no length has announced. */
  grow(bytes: number): void;
  /** The file is in the spool. */
  keep(sizeBytes: number): void;
  release(): void;
}

const NOTHING: BacklogSize = { files: 0, bytes: 0, oldestAgeMs: undefined, scans: 0 };

/** Counts what was accepted until a scan of the main thread has certainly seen it. */
export class BacklogGate {
  /** `ingest.backlogLimit`. */
  limit: BacklogLimit | undefined;
  #told = NOTHING;
  /** Since the main thread last told how much waits. */
  #fresh = { files: 0, bytes: 0 };
  #accepted: readonly Accepted[] = [];
  #underWay = { files: 0, bytes: 0 };

  constructor(limit: BacklogLimit | undefined) {
    this.limit = limit;
  }

  told(waiting: BacklogSize): void {
    this.#told = waiting;
    const { scans } = waiting;
    const still = this.#accepted.filter(({ countedAtScan }) => countedAtScan > scans);
    // The next scan may run already, and may have passed the folder before the file came.
    const countedAtScan = scans + 2;
    const last = still.at(-1);
    if (last?.countedAtScan === countedAtScan)
      this.#accepted = [...still.slice(0, -1), { countedAtScan, ...sum([last, this.#fresh]) }];
    else if (this.#fresh.files > 0) this.#accepted = [...still, { countedAtScan, ...this.#fresh }];
    else this.#accepted = still;
    this.#fresh = { files: 0, bytes: 0 };
  }

  /** Throws a Refusal if one file more, of `sizeBytes`, would be too many. */
  admit(sizeBytes: number): Place {
    const { files = Infinity, bytes = Infinity, ageMs = Infinity } = this.limit ?? {};
    const waiting = sum([this.#told, this.#fresh, this.#underWay, ...this.#accepted]);
    if (waiting.files + 1 > files) throw full(`${waiting.files} files wait for their upload, or are coming`);
    if (waiting.bytes + sizeBytes > bytes)
      throw full(`${waiting.bytes} bytes wait for their upload, or are coming`);
    if ((this.#told.oldestAgeMs ?? 0) > ageMs)
      throw full(
        `The oldest file that waits was last changed ${Math.round((this.#told.oldestAgeMs ?? 0) / 1000)} s ago`,
      );
    return this.#placed(sizeBytes);
  }

  #placed(sizeBytes: number): Place {
    let heldBytes = 0;
    const hold = (bytes: number) => {
      heldBytes += bytes;
      this.#underWay.bytes += bytes;
    };
    hold(sizeBytes);
    this.#underWay.files += 1;
    return {
      grow: hold,
      keep: (bytes) => {
        this.#fresh = sum([this.#fresh, { files: 1, bytes }]);
      },
      release: () => {
        hold(-heldBytes);
        this.#underWay.files -= 1;
      },
    };
  }
}

function sum(all: readonly { readonly files: number; readonly bytes: number }[]) {
  return {
    files: all.reduce((files, one) => files + one.files, 0),
    bytes: all.reduce((bytes, one) => bytes + one.bytes, 0),
  };
}

function full(what: string): Refusal {
  return new Refusal('backlog-full', `${what}: keep the file, and send it again later`);
}
