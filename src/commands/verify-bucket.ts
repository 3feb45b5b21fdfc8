// `halfpipe verify`: compares the bucket with the manifest, and says what is missing or differs.
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import type { Settings } from '../config/settings.ts';
import type { Comparison } from '../manifest/compare-line.ts';
import { type ManifestLine, objectOf } from '../manifest/manifest-line.ts';
import { lastLines, type ManifestCounts } from '../manifest/manifest-reader.ts';
import type { S3Store } from '../store/s3/s3-store.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf, explain, Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { redactorOf } from '../system/redact.ts';
import { readableCount, readableSize } from '../view/readable.ts';
import { compareAll } from './bucket-comparison.ts';
import { storeOf } from './examine-store.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { loadVettedSettings } from './vetted-settings.ts';

export interface VerifyContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export interface VerifyRequest {
  /** Only files that went up within this time. */
  readonly sinceMs?: number;
  /** Reads every object in full, instead of asking for its size and digest. */
  readonly readsBack: boolean;
  readonly asJson: boolean;
}

/** Objects that are named one by one. More are only counted. */
const NAMED_MAX = 1_000;

/**
 * Resolves with 0 if every object is as the manifest says, else with 1. Rejects with a Fault if the
 * manifest or the store cannot be read, with ConfigError if no manifest is kept.
 */
export async function verifyBucket(
  { configFile, env, stdout, stderr }: VerifyContext,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<ExitCode> {
  const settings = await loadVettedSettings(configFile, env);
  const { path } = settings.manifest;
  if (path === undefined) {
    stderr.write(`halfpipe: no manifest is kept: set manifest.path in ${configFile}\n`);
    return EXIT.failure;
  }
  const redact = redactorOf(env);
  const print = (text: string) => void stdout.write(redact(text));
  const tally = new Tally(request.asJson ? undefined : (line) => print(`${line}\n`));
  const stores = new Map<string, Promise<S3Store>>();
  const storeFor = (bucket: string) => {
    const store = stores.get(bucket) ?? storeOf(inBucket(settings, bucket));
    stores.set(bucket, store);
    return store;
  };
  const counts: ManifestCounts = { files: 0, lines: 0, unreadable: 0 };
  const sinceMs = request.sinceMs === undefined ? 0 : systemClock.wallMs() - request.sinceMs;
  try {
    for await (const lines of readable(path, lastLines(path, sinceMs, counts)))
      await compareAll(lines, signal, {
        ...{ clock: systemClock, storeFor, readsBack: request.readsBack },
        onComparison: (line, comparison) => tally.add(line, comparison),
      });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    stderr.write(
      redact(`halfpipe: ${explain(error)}; compared ${readableCount(tally.objects)} objects until then\n`),
    );
    return EXIT.failure;
  } finally {
    for (const store of stores.values()) await store.then((it) => it.close()).catch(() => undefined);
  }
  print(request.asJson ? `${JSON.stringify(tally.toJson(path, counts), null, 2)}\n` : tally.toText(counts));
  return tally.isFine ? EXIT.ok : EXIT.failure;
}

function inBucket(settings: Settings, bucket: string): Settings {
  return { ...settings, s3: { ...settings.s3, bucket } };
}

/** Turns the system's errors into Faults that name the manifest. */
async function* readable<T>(path: string, lines: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* lines;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined || error instanceof Fault) throw error;
    const hints: Readonly<Record<string, string>> = {
      ENOENT: 'There is none yet: it is made with the first upload.',
      EACCES: "Run the command as root or as the service's user.",
    };
    const hint = hints[errno];
    throw new Fault('unknown', `the manifest ${path} cannot be read: ${errno}`, {
      ...{ operation: 'read the manifest', subject: path, code: errno, cause: error, isLocal: true },
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

interface Problem {
  readonly problem: 'missing' | 'differs';
  readonly bucket: string;
  readonly key: string;
  readonly path: string;
  /** Set if the object is a packet: `path` is one of its files. */
  readonly member?: string;
  readonly uploadedAt: string;
  readonly because?: string;
}

/** Counts comparisons, and tells of each problem as it is found. */
class Tally {
  readonly #tell: ((line: string) => void) | undefined;
  readonly #problems: Problem[] = [];
  #bytes = 0;
  #bySize = 0;
  readonly #verdicts = { same: 0, missing: 0, differs: 0 };

  constructor(tell: ((line: string) => void) | undefined) {
    this.#tell = tell;
  }

  get objects(): number {
    const { same, missing, differs } = this.#verdicts;
    return same + missing + differs;
  }

  get isFine(): boolean {
    return this.objects === this.#verdicts.same;
  }

  add(line: ManifestLine, comparison: Comparison): void {
    this.#verdicts[comparison.verdict] += 1;
    this.#bytes += objectOf(line).bytes;
    if (comparison.verdict === 'same') {
      if (comparison.by === 'size') this.#bySize += 1;
      return;
    }
    if (this.#problems.length >= NAMED_MAX) return;
    const { bucket, key, path, member, uploadedAt } = line;
    const because = comparison.verdict === 'differs' ? { because: comparison.because } : {};
    const packed = member === undefined ? {} : { member };
    this.#problems.push({
      problem: comparison.verdict,
      bucket,
      key,
      path,
      ...packed,
      uploadedAt,
      ...because,
    });
    const reason = comparison.verdict === 'differs' ? `: ${comparison.because}` : '';
    const what = `${printable(`${bucket}/${key}`)}, uploaded ${uploadedAt} from ${printable(path)}${member === undefined ? '' : ' and the other files of this packet'}`;
    this.#tell?.(`${comparison.verdict.padEnd(7)}  ${what}${reason}`);
  }

  toJson(path: string, { files, lines, unreadable }: ManifestCounts) {
    return {
      manifest: path,
      ...{ files, lines, unreadableLines: unreadable, objects: this.objects, bytes: this.#bytes },
      ...this.#verdicts,
      comparedBySizeOnly: this.#bySize,
      problems: this.#problems,
    };
  }

  toText({ lines, unreadable }: ManifestCounts): string {
    const { same, missing, differs } = this.#verdicts;
    const unnamed = missing + differs - this.#problems.length;
    const sentences = [
      ...(unnamed > 0 ? [`and ${readableCount(unnamed)} more\n`] : []),
      `compared ${readableCount(this.objects)} objects (${readableSize(this.#bytes)}) of ${readableCount(lines)} lines: `,
      `${readableCount(same)} the same, ${readableCount(missing)} missing, ${readableCount(differs)} differ\n`,
      ...(this.#bySize > 0
        ? [
            `of ${readableCount(this.#bySize)}, only the size could be compared: --read-back reads them in full\n`,
          ]
        : []),
      ...(unreadable > 0
        ? [`${readableCount(unreadable)} lines of the manifest are damaged and were skipped\n`]
        : []),
    ];
    return sentences.join('');
  }
}
