import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDemoOptions } from '../demo/options.ts';

describe('parseDemoOptions', () => {
  it('shows 5,000 files for 85 s and keeps running when nothing is asked', () => {
    const expected = { files: 5000, once: false, seconds: 85, port: 4568, ingest: false, help: false };
    assert.deepEqual(parseDemoOptions([]), expected);
  });

  it('takes every option', () => {
    const argv = ['--files', '200', '--once', '--seconds=10', '--port', '9000', '--ingest', '--help'];
    const expected = { files: 200, once: true, seconds: 10, port: 9000, ingest: true, help: true };
    assert.deepEqual(parseDemoOptions(argv), expected);
  });

  const refused = [
    { argv: ['--bogus'], names: /--bogus/ },
    { argv: ['stray'], names: /stray/ },
    { argv: ['--ingest=8080'], names: /--ingest/ },
    { argv: ['--files'], names: /--files/ },
    { argv: ['--files', 'many'], names: /--files must be a whole number from 0 to 1000000, not "many"/ },
    { argv: ['--files', '1e3'], names: /--files must be/ },
    { argv: ['--files=-1'], names: /--files must be/ },
    { argv: ['--seconds', '0'], names: /--seconds must be/ },
    { argv: ['--port', '65536'], names: /--port must be/ },
  ];
  for (const { argv, names } of refused) {
    it(`refuses ${argv.join(' ')} by name`, () => assert.throws(() => parseDemoOptions(argv), names));
  }
});
