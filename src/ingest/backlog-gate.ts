// Asks producers to wait while more waits in the spool than the operator allows.
import type { BacklogLimit } from '../config/ingest-formats.ts';
import type { BacklogSize } from './ingest-options.ts';
import { Refusal } from './refusal.ts';

/** Counts what was accepted since the main thread last told how much waits. */
export class BacklogGate {
  /** `ingest.backlogLimit`. */
  limit: BacklogLimit | undefined;
  #told: BacklogSize = { files: 0, bytes: 0, oldestAgeMs: undefined };
  #acceptedFiles = 0;
  #acceptedBytes = 0;

  constructor(limit: BacklogLimit | undefined) {
    this.limit = limit;
  }

  told(waiting: BacklogSize): void {
    this.#told = waiting;
    this.#acceptedFiles = 0;
    this.#acceptedBytes = 0;
  }

  accepted(sizeBytes: number): void {
    this.#acceptedFiles += 1;
    this.#acceptedBytes += sizeBytes;
  }

  /** Throws a Refusal if one file more, of `sizeBytes`, would be too many. */
  admit(sizeBytes: number): void {
    const { files = Infinity, bytes = Infinity, ageMs = Infinity } = this.limit ?? {};
    const waitingFiles = this.#told.files + this.#acceptedFiles;
    const waitingBytes = this.#told.bytes + this.#acceptedBytes;
    if (waitingFiles + 1 > files) throw full(`${waitingFiles} files wait for their upload`);
    if (waitingBytes + sizeBytes > bytes) throw full(`${waitingBytes} bytes wait for their upload`);
    if ((this.#told.oldestAgeMs ?? 0) > ageMs)
      throw full(`The oldest file has waited for ${Math.round((this.#told.oldestAgeMs ?? 0) / 1000)} s`);
  }
}

function full(what: string): Refusal {
  return new Refusal('backlog-full', `${what}: keep the file, and send it again later`);
}
