// A process of its own: what the disk itself manages. So many threads of the pool write files, sync
// each, give it its name, and sync the folder: what a durable upload cannot do without. Prints a
// tally as JSON.
//   disk-limit.ts FOLDER THREADS FILE_BYTES SECONDS     with UV_THREADPOOL_SIZE=THREADS
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

export interface DiskTally {
  readonly files: number;
  readonly seconds: number;
}

const [folder = '', threads, fileBytes, seconds] = process.argv.slice(2);
const body = randomBytes(Number(fileBytes));

async function deposit(place: FileHandle, temporary: string, name: string): Promise<void> {
  const file = await open(temporary, 'wx');
  await file.write(body);
  await file.sync();
  await file.close();
  await link(temporary, name);
  await unlink(temporary);
  await place.sync();
}

const place = await open(folder);
const beganMs = performance.now();
const untilMs = beganMs + Number(seconds) * 1000;
const counts = Array.from({ length: Number(threads) }, async (_, thread) => {
  let files = 0;
  for (; performance.now() < untilMs; files += 1)
    await deposit(place, join(folder, `.${thread}`), join(folder, `${thread}-${files}`));
  return files;
});
const files = (await Promise.all(counts)).reduce((sum, one) => sum + one, 0);
const tally: DiskTally = { files, seconds: (performance.now() - beganMs) / 1000 };
process.stdout.write(`${JSON.stringify(tally)}\n`);
