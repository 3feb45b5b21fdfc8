// The unit and property tests in one process: each takes some milliseconds, a process for each of them half a second.
import { readdirSync } from 'node:fs';

for (const folder of ['unit', 'property'])
  for (const name of readdirSync(new URL(folder, import.meta.url)))
    if (name.endsWith('.test.ts')) await import(`./${folder}/${name}`);
