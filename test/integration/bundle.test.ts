import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../systemd/debian/bundle.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('the package has a file for each thread, and the licences of what is in them', async () => {
  const { files, notices } = await bundle(ROOT, 'node24');
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });
  const threads = sources.filter((file) => file.endsWith('-thread.ts')).map((file) => basename(file, '.ts'));
  assert.ok(threads.length >= 2, threads.join());
  assert.deepEqual([...files.keys()].sort(), ['main', ...threads].map((name) => `${name}.js`).sort());
  assert.match(notices, /@aws-sdk\/client-s3/);
  assert.match(notices, /==== uplot .* \(MIT\) ====[^=]+Permission is hereby granted/);
});
