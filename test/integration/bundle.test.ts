import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../systemd/debian/bundle.ts';

test('the package has a file for each thread, and the licences of what is in them', async () => {
  const { files, notices } = await bundle(fileURLToPath(new URL('../..', import.meta.url)), 'node24');
  assert.deepEqual([...files.keys()].sort(), ['main.js', 'sender-thread.js']);
  assert.match(notices, /@aws-sdk\/client-s3/);
  assert.match(notices, /==== uplot .* \(MIT\) ====[^=]+Permission is hereby granted/);
});
