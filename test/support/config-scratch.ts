// A config file in a directory of its own, for tests of what loading says about its content.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../src/config/config-error.ts';
import { type Environment, loadSettings } from '../../src/config/load.ts';

export class ConfigScratch {
  readonly directory = mkdtempSync(join(tmpdir(), 'halfpipe-config-'));
  readonly file = join(this.directory, 'halfpipe.yaml');

  load(text: string | Buffer, env: Environment = {}) {
    writeFileSync(this.file, text);
    return loadSettings(this.file, env);
  }

  /** All problems of a loading that must fail, with the file's path written as FILE. */
  async problemsOf(loading: Promise<unknown>): Promise<readonly string[]> {
    const error = await loading.then(
      () => assert.fail('the configuration was accepted'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConfigError, String(error));
    for (const line of [error.message, ...error.problems]) assert.doesNotMatch(line, /[\n\r]/);
    assert.ok(error.message.startsWith(error.problems[0] ?? 'none'));
    return error.problems.map((problem) => problem.replace(this.file, 'FILE'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
