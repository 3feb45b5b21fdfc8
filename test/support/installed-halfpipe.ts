// A booted machine on which the halfpipe package is installed and used as an operator uses it, and the S3 server that it
// drains to, outside the machine.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BootedMachine } from './booted-machine.ts';
import { type S3Server, startS3Server } from './s3-server.ts';

export const KEYS = { accessKeyId: 'AKIDHALFPIPETEST', secretAccessKey: 'a-secret-that-no-line-may-show' };
export const BUCKET = 'inbox';
export const SPOOL = '/var/spool/halfpipe';
/** Far more than anything here takes, even on a busy machine. */
const PATIENCE_MS = 60_000;

/** Builds a package that calls itself `version`, quickly packed. Returns its file in `folder`. */
export function buildPackage(version: string, folder: string, architecture = 'amd64'): string {
  const script = ['--import', 'tsx', 'systemd/debian/package.ts', '--fast'];
  const options = ['--version', version, '--output', folder, '--architecture', architecture];
  execFileSync(process.execPath, [...script, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
  return join(folder, `halfpipe_${version}_${architecture}.deb`);
}

/** Packs the npm package that calls itself `version`. Returns its file in `folder`. */
export function packNpmPackage(version: string, folder: string): string {
  const script = ['systemd/npm/npm-package.ts', '--version', version, '--output', folder];
  return execFileSync(process.execPath, ['--import', 'tsx', ...script], { encoding: 'utf8' }).trim();
}

export class InstalledHalfpipe {
  readonly machine: BootedMachine;
  readonly server: S3Server;
  readonly #folder: string;

  private constructor(machine: BootedMachine, server: S3Server, folder: string) {
    this.machine = machine;
    this.server = server;
    this.#folder = folder;
  }

  /**
   * A machine with the packages `files` in /root, none of them installed, and a server that it can reach. `layers` as
   * for `BootedMachine.boot`.
   */
  static async prepare(files: readonly string[], layers?: string): Promise<InstalledHalfpipe> {
    const machine = await BootedMachine.boot(layers);
    for (const file of files) writeFileSync(machine.path(`root/${basename(file)}`), readFileSync(file));
    const folder = mkdtempSync(join(tmpdir(), 'halfpipe-bucket-'));
    const place = { directory: folder, port: 0, host: machine.hostAddress, buckets: [BUCKET] };
    return new InstalledHalfpipe(machine, await startS3Server({ ...KEYS, ...place }), folder);
  }

  async end(): Promise<void> {
    await this.server.close();
    await this.machine.destroy();
    rmSync(this.#folder, { recursive: true });
  }

  /** Edits the package's own config as an operator would: `key: value` pairs of its lines, the first of each name. */
  async edit(keys: Readonly<Record<string, string>>, file = '/etc/halfpipe/halfpipe.yaml'): Promise<void> {
    for (const [key, value] of Object.entries(keys))
      await this.machine.must(
        `grep -q '^  ${key}:' ${file} && sed -i '0,/^  ${key}:/s|^  ${key}:.*|  ${key}: ${value}|' ${file}`,
      );
  }

  async configure(): Promise<void> {
    const place = { endpoint: this.server.endpoint, region: 'us-east-1', forcePathStyle: 'true' };
    await this.edit({ bucket: BUCKET, capacity: '100 Mbit/s', ...place });
    const { accessKeyId, secretAccessKey } = KEYS;
    const file = '/etc/halfpipe/aws-credentials';
    await this.machine.must(
      `sed -i 's/^#aws_access_key_id.*/aws_access_key_id = ${accessKeyId}/; s/^#aws_secret_access_key.*/aws_secret_access_key = ${secretAccessKey}/' ${file}`,
    );
  }

  /** Puts `count` whole files of `bytes` random bytes into a folder of the spool, as a member of the group does. */
  drop(folder: string, count: number, bytes: number, spool = SPOOL): void {
    const making = this.machine.path(`tmp/${folder}`);
    mkdirSync(making);
    for (let n = 0; n < count; n += 1) writeFileSync(join(making, `${n}.bin`), randomBytes(bytes));
    const { gid } = statSync(this.machine.path(spool));
    chownSync(making, 0, gid);
    chmodSync(making, 0o2770);
    // One rename for all: they were made next to the spool, on the same disk.
    renameSync(making, this.machine.path(`${spool}/${folder}`));
  }

  /** Puts one whole file right into the spool. */
  dropFile(name: string, content: string): void {
    const making = this.machine.path('tmp/making');
    writeFileSync(making, content);
    chownSync(making, 0, statSync(this.machine.path(SPOOL)).gid);
    chmodSync(making, 0o640);
    renameSync(making, join(this.machine.path(SPOOL), name));
  }

  /** How many files of a folder are in the bucket, and still in the spool. */
  count(folder: string, spool = SPOOL): { readonly stored: number; readonly left: number } {
    const stored = this.server.bucket(BUCKET)?.keys(`${folder}/`).length ?? 0;
    return { stored, left: readdirSync(this.machine.path(`${spool}/${folder}`)).length };
  }

  /** Resolves when all `count` files of a folder are in the bucket, each once, and none is left in the spool. */
  async drained(folder: string, count: number, spool = SPOOL): Promise<void> {
    await this.until(`${folder} to be drained`, () => this.count(folder, spool).left === 0);
    assert.deepEqual(this.count(folder, spool), { stored: count, left: 0 });
  }

  /** Resolves when some of a folder's files are in the bucket and others are not yet. */
  async underWay(folder: string): Promise<void> {
    await this.until(`${folder} to be under way`, () => this.count(folder).stored > 0);
    assert.ok(this.count(folder).left > 0, 'it was over too soon');
  }

  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + PATIENCE_MS;
    while (!(await holds())) {
      if (Date.now() > deadline)
        assert.fail(`waited in vain for ${what}\n${(await this.journal()).slice(-5000)}`);
      await delay(50);
    }
  }

  /** What the journal has of a unit, message by message. */
  async journal(unit = 'halfpipe'): Promise<string> {
    return await this.machine.must(`journalctl --sync && journalctl -u ${unit} -o cat --no-pager`);
  }

  /** The journal's entries that match, with all their fields. */
  async entries(matches: string): Promise<Record<string, unknown>[]> {
    const lines = await this.machine.must(`journalctl --sync && journalctl -o json --no-pager ${matches}`);
    return lines === '' ? [] : lines.split('\n').map((line) => JSON.parse(line));
  }

  /** A property of the unit, as systemd has it. */
  async show(property: string, unit = 'halfpipe'): Promise<string> {
    return await this.machine.must(`systemctl show --value -p ${property} ${unit}`);
  }
}
