// `halfpipe fetch`: lists a packet, or brings files back from it. It reads the bucket and needs no
// daemon.
import { realpath } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Writable } from 'node:stream';
import type { Environment } from '../config/load.ts';
import { OpenDirectory } from '../spool/open-directory.ts';
import { writeWhole } from '../spool/whole-file.ts';
import type { RangedObject } from '../store/s3/ranged-object.ts';
import { contentOf } from '../store/zip/zip-content.ts';
import { readZipIndex, TAIL_BYTES, type ZipMember } from '../store/zip/zip-index.ts';
import { amended, errnoOf, explain, Fault } from '../system/fault.ts';
import { printable } from '../system/printable.ts';
import { redactorOf } from '../system/redact.ts';
import { readableFiles, readableSize } from '../view/readable.ts';
import { storeOf } from './examine-store.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { OptionValues } from './option-table.ts';
import { unpack } from './unpack.ts';
import { loadVettedSettings } from './vetted-settings.ts';

export interface FetchContext {
  readonly configFile: string;
  readonly env: Environment;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

export type FetchRequest = { readonly key: string } & (
  | { readonly action: 'list'; readonly asJson: boolean }
  /** Without `output`, the file goes to standard output. */
  | { readonly action: 'member'; readonly member: string; readonly output: string | undefined }
  | { readonly action: 'unpack'; readonly folder: string }
);

/** What the command line asks for; see its `check` in the table. */
export function requestOf([key = '', second]: readonly string[], values: OptionValues): FetchRequest {
  const { unpack: isUnpack, output, json } = values;
  if (second === undefined) return { action: 'list', key, asJson: json === true };
  if (isUnpack === true) return { action: 'unpack', key, folder: second };
  return { action: 'member', key, member: second, output };
}

/** A member up to this size is written once it has been compared, a larger one as it comes. */
const COMPARED_FIRST_BYTES = 64 * 1024 * 1024;

/**
 * Resolves with 0 if everything was brought, else with 1, after a message. Rejects with
 * ConfigError, or with the reason of `signal`.
 */
export async function fetchPacket(
  context: FetchContext,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<ExitCode> {
  const settings = await loadVettedSettings(context.configFile, context.env);
  const { bucket, prefix } = settings.s3;
  const { key } = request;
  const redact = redactorOf(context.env);
  const tell = (problem: string) => void context.stderr.write(redact(`halfpipe: ${problem}\n`));
  const store = await storeOf(settings);
  try {
    const packet = await store.openRanges(key, TAIL_BYTES, signal);
    const members = await readZipIndex(packet);
    if (request.action === 'list') {
      const text = request.asJson ? asJson(bucket, key, packet, members) : asTable(packet, members);
      await write(context.stdout, redact(text), signal);
      return EXIT.ok;
    }
    if (request.action === 'member') return await fetchMember(context, request, packet, members, signal);
    const { files, bytes, problems } = await unpack(packet, members, request.folder, tell);
    const where = printable(request.folder);
    context.stdout.write(
      redact(`unpacked ${readableFiles(files)} (${readableSize(bytes)}) of ${packet.name} to ${where}\n`),
    );
    return problems === 0 ? EXIT.ok : EXIT.failure;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    tell(explain(withPrefix(error, key, prefix)));
    return EXIT.failure;
  } finally {
    store.close();
  }
}

/** A frequent mistake: the path in the spool, instead of the key. */
function withPrefix(fault: Fault, key: string, prefix: string): Fault {
  if (fault.code !== 'NoSuchKey' || key.startsWith(prefix)) return fault;
  return amended(fault, { hint: `The keys of this service begin with ${printable(prefix)}` });
}

async function fetchMember(
  { stdout }: FetchContext,
  { key, member: name, output }: Extract<FetchRequest, { action: 'member' }>,
  packet: RangedObject,
  members: readonly ZipMember[],
  signal: AbortSignal,
): Promise<ExitCode> {
  const member = members.find((one) => one.name === name);
  if (member === undefined)
    throw new Fault('file', `${packet.name} has no member ${printable(name)}`, {
      ...{ operation: 'fetch', subject: packet.name, code: 'NoSuchMember', isLocal: true },
      hint: `To list them: halfpipe fetch ${printable(key)}`,
    });
  const content = contentOf(packet, member);
  if (output === undefined) await print(stdout, content, member, signal);
  else await save(output, content, member);
  return EXIT.ok;
}

async function print(
  stdout: Writable,
  content: AsyncGenerator<Uint8Array>,
  { sizeBytes }: ZipMember,
  signal: AbortSignal,
): Promise<void> {
  const held: Uint8Array[] = [];
  for await (const chunk of content) {
    if (sizeBytes > COMPARED_FIRST_BYTES) await write(stdout, chunk, signal);
    else held.push(chunk);
  }
  for (const chunk of held) await write(stdout, chunk, signal);
}

/** Resolves when the chunk has left: the process ends soon after. */
function write(stdout: Writable, chunk: Uint8Array | string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    stdout.write(chunk, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
  });
}

/** Rejects with a Fault if the file exists already, or cannot be written. */
async function save(
  output: string,
  content: AsyncGenerator<Uint8Array>,
  { modifiedAtMs }: ZipMember,
): Promise<void> {
  const details = { operation: 'write file', subject: output, isLocal: true };
  try {
    const folder = await OpenDirectory.open(await realpath(dirname(output)));
    try {
      if ((await writeWhole(folder, basename(output), content, modifiedAtMs)) === 'created') return;
    } finally {
      await folder.close();
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === undefined || error instanceof Fault) throw error;
    throw new Fault('blocked', `cannot write ${printable(output)}: ${code}`, {
      ...details,
      code,
      cause: error,
    });
  }
  throw new Fault('blocked', `${printable(output)} exists already`, { ...details, code: 'EEXIST' });
}

function asTable({ name, sizeBytes }: RangedObject, members: readonly ZipMember[]): string {
  const total = members.reduce((sum, member) => sum + member.sizeBytes, 0);
  const width = Math.max(0, ...[...new Set(members.map((member) => `${member.sizeBytes}`.length))]);
  const lines = members.map((member) => {
    const modifiedAt = isoSeconds(member.modifiedAtMs);
    return `${`${member.sizeBytes}`.padStart(width)}  ${modifiedAt}  ${printable(member.name)}\n`;
  });
  const summary = `${readableFiles(members.length)} (${readableSize(total)}) in ${name}`;
  return `${lines.join('')}${summary} (${readableSize(sizeBytes)})\n`;
}

function asJson(
  bucket: string,
  key: string,
  { sizeBytes }: RangedObject,
  members: readonly ZipMember[],
): string {
  const listed = members.map((member) => ({
    name: member.name,
    bytes: member.sizeBytes,
    storedBytes: member.storedBytes,
    modifiedAt: isoSeconds(member.modifiedAtMs),
    crc32: member.crc32.toString(16).padStart(8, '0'),
  }));
  return `${JSON.stringify({ bucket, key, bytes: sizeBytes, members: listed }, null, 2)}\n`;
}

/** A zip knows whole seconds. */
function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
