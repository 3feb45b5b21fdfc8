// Log lines about files that arrive over HTTP: every accepted file is named in one, together with
// others of its token, so that people find where a file came from without a line for each.
import type { IngestEvent } from '../ingest/ingest-event.ts';
import type { Logger } from '../log/log.ts';
import { NAMES_IN_LINE_MAX, type NamedFiles } from '../log/named-files.ts';
import type { Clock } from '../system/clock.ts';
import { explain } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { readableCount, readableFiles, readableSize } from '../view/readable.ts';
import type { DaemonEvent } from './daemon-event.ts';
import { filesOf, othersIn } from './file-lines.ts';

type Of<Kind extends IngestEvent['kind']> = Extract<IngestEvent, { readonly kind: Kind }>;

/** So much later than the first file of a line, the line is written. */
const GATHER_MS = 10_000;
/** Files that are gathered for the lines of all tokens, and the size of their names. */
const GATHERED_FILES_MAX = 4 * NAMES_IN_LINE_MAX;
const GATHERED_BYTES_MAX = 64 * 1024;
/** No key of S3 is longer. */
const PATH_CHARS_MAX = 1_024;

interface Gathered {
  readonly files: string[];
  bytes: number;
}

/** hear() may write a line later, stop() at once. Monotonic clock. */
export class IngestLines {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #named: NamedFiles;
  readonly #byToken = new Map<string, Gathered>();
  #gathered = { files: 0, nameBytes: 0 };
  #cancel: (() => void) | undefined;
  #isDown = false;
  /** Where files were received last. */
  #heardAt: string | undefined;

  /** `named` limits a kind of refusal to one line a minute. */
  constructor(clock: Clock, log: Logger, named: NamedFiles) {
    this.#clock = clock;
    this.#log = log;
    this.#named = named;
  }

  readonly hear = (event: DaemonEvent): void => {
    switch (event.kind) {
      case 'ingestListening':
        return this.#tellListening(event);
      case 'ingestBroke': {
        this.#isDown = true;
        const text = `receiving files over HTTP has broken down, and is started again: ${event.problem}`;
        return this.#log.error({ event: 'ingestBroke', problem: event.problem }, text);
      }
      case 'ingestDown': {
        this.#isDown = true;
        const { error } = event;
        const text = `no file is received over HTTP, and it is tried again: ${explain(error)}`;
        return this.#log.error({ event: 'ingestDown', fault: error }, text);
      }
      case 'ingested':
        if (this.#log.level === 'debug') tellAccepted(this.#log, event);
        return this.#gather(event);
      case 'ingestRefused':
        return this.#tellRefused(event);
    }
  };

  /** Names the files that no line has named yet. */
  stop(): void {
    this.#cancel?.();
    this.#tellGathered();
  }

  #tellListening({ urls, isTls }: Of<'ingestListening'>): void {
    const at = urls.join(' and ');
    const wasDown = this.#isDown;
    const again = wasDown && this.#heardAt !== undefined ? ' again' : '';
    if (!wasDown && this.#heardAt === at) return;
    [this.#isDown, this.#heardAt] = [false, at];
    const fields = { event: wasDown ? 'ingestBack' : 'ingestListening', urls, isTls };
    if (urls.length === 0)
      return this.#log.info(fields, 'ingest.listen is off: no file is received over HTTP');
    this.#log.info(fields, `files are received over HTTP${again} at ${at}`);
    const open = isTls ? [] : urls.filter((url) => !isOnThisMachine(url));
    if (open.length === 0) return;
    const remedy = 'set ingest.tls, or listen on loopback behind a proxy that speaks TLS';
    const warning = `tokens and files travel unencrypted to ${open.join(' and ')}: ${remedy}`;
    this.#log.warn({ event: 'ingestUnencrypted', urls: open }, warning);
  }

  #gather({ path, sizeBytes, token }: Of<'ingested'>): void {
    const gathered = this.#byToken.get(token) ?? { files: [], bytes: 0 };
    this.#byToken.set(token, gathered);
    gathered.files.push(printable(path));
    gathered.bytes += sizeBytes;
    this.#gathered.files += 1;
    this.#gathered.nameBytes += Buffer.byteLength(path);
    const { files, nameBytes } = this.#gathered;
    const isFull = gathered.files.length === NAMES_IN_LINE_MAX || files === GATHERED_FILES_MAX;
    if (isFull || nameBytes >= GATHERED_BYTES_MAX) return this.stop();
    this.#cancel ??= this.#clock.schedule(GATHER_MS, () => this.#tellGathered());
  }

  #tellGathered(): void {
    const all = [...this.#byToken];
    this.#byToken.clear();
    this.#gathered = { files: 0, nameBytes: 0 };
    this.#cancel = undefined;
    for (const [tokenName, { files, bytes }] of all) {
      const [first = ''] = files;
      const fields = { event: 'ingested', ...filesOf({ files }, first), tokenName, bytes };
      const size = `${readableFiles(files.length)} (${readableSize(bytes)})`;
      const text = `received ${size} over HTTP with the token ${tokenName}: ${first}`;
      this.#log.info({ ...fields, files: files.length }, `${text}${othersIn({ files }, first)}`);
    }
  }

  /** One line a minute for each problem of each token. */
  #tellRefused({ status, problem, token, path, client, detail }: Of<'ingestRefused'>): void {
    const file = path === undefined ? undefined : printable(path.slice(0, PATH_CHARS_MAX));
    const sender = token === undefined ? 'without a valid token' : `with the token ${token}`;
    const from = client === undefined ? '' : ` from ${client}`;
    const text = `refused ${file ?? 'a request'} ${sender}${from}: ${status} ${problem}: ${detail}`;
    // Without a token, names are those of a stranger, and are not remembered.
    const name = token === undefined ? '' : (file ?? '');
    const isOfStranger = token === undefined && status !== 401 && status < 500;
    this.#named.note(`refused ${problem} ${token ?? ''}`, name, (batch) => {
      const { repeats } = batch;
      const times = repeats > 1 ? `; ${readableCount(repeats)} times in the last minute` : '';
      const files = name === '' ? { file } : filesOf(batch, name);
      const fields = { event: 'ingestRefused', ...files, problem, status, tokenName: token, client };
      const line = `${text}${times}${othersIn(batch, name)}`;
      this.#log[isOfStranger ? 'info' : 'warn']({ ...fields, repeats }, line);
    });
  }
}

function tellAccepted(log: Logger, { path, sizeBytes, token, outcome, elapsedMs }: Of<'ingested'>): void {
  const fields = { event: 'ingestedFile', file: printable(path), tokenName: token, outcome };
  const how = `${readableSize(sizeBytes)} in ${(elapsedMs / 1000).toFixed(2)} s, ${outcome}`;
  log.debug(
    { ...fields, bytes: sizeBytes, durationMs: Math.round(elapsedMs) },
    `received ${printable(path)} over HTTP with the token ${token}, ${how}`,
  );
}

function isOnThisMachine(url: string): boolean {
  return /^unix:|^https?:\/\/(127\.|localhost[:/]|localhost$|\[::1\])/.test(url);
}
