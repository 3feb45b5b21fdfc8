import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('../../systemd/halfpipe.bash-completion', import.meta.url));

/** What bash offers for the last word of `line`. */
function offered(line: string): string[] {
  const script = `. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _halfpipe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync('bash', ['-c', script, 'bash', SCRIPT, ...line.split(' ')], {
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((word) => word !== '');
}

describe('the completion of bash', () => {
  for (const { line, offers } of [
    { line: 'halfpipe st', offers: ['status'] },
    { line: 'halfpipe --v', offers: ['--version'] },
    { line: 'halfpipe status --', offers: ['--json', '--config', '--instance', '--help'] },
    { line: 'halfpipe status ', offers: [] },
    { line: 'halfpipe quarantine ', offers: ['list', 'retry', 'drop'] },
    { line: 'halfpipe token ', offers: ['add', 'list', 'revoke'] },
    { line: 'halfpipe token add camera-7 --p', offers: ['--prefix'] },
    { line: 'halfpipe token add camera-7 --prefix ', offers: [] },
    // It used to offer list, retry and drop again.
    { line: 'halfpipe quarantine retry ', offers: [] },
    { line: 'halfpipe quarantine drop --y', offers: ['--yes'] },
    { line: 'halfpipe --config status st', offers: ['status'] },
    { line: 'halfpipe --config x quarantine l', offers: ['list'] },
    { line: 'halfpipe status --config /etc/host', offers: ['/etc/hosts'] },
  ]) {
    test(`after "${line}" it offers ${offers.join(', ') || 'no word'}`, () => {
      const found = offered(line);
      if (!line.includes('/etc')) assert.deepEqual(found, offers);
      else
        assert.deepEqual(
          offers.filter((offer) => !found.includes(offer)),
          [],
        );
    });
  }
});
