// The scanning thread: one walk over a deep spool, with calls that block. So a scan costs the main
// thread no turn of its loop, and no thread of the pool.
import { parentPort, workerData } from 'node:worker_threads';
import { carry } from '../system/carried-error.ts';
import { BlockingFolder } from './blocking-folder.ts';
import { IgnoreRules } from './ignore-rules.ts';
import { ScanMemory } from './scan-memory.ts';
import type { ScanNotice, ScanOrder } from './scan-messages.ts';
import { walk } from './walk.ts';

if (parentPort === null) throw new Error('this is the scanning thread, which the daemon starts');
const port = parentPort;
const { root, privateFolder, mounts, silent, ignore, memory: buffer } = workerData as ScanOrder;
const memory = new ScanMemory(buffer);
let filling = memory.begin();

function tell(notice: ScanNotice): void {
  port.postMessage(notice);
}

try {
  const place = { root: BlockingFolder.at(root, () => memory.step()), privateFolder, mounts };
  const result = await walk(place, {
    ignore: new IgnoreRules(ignore),
    batch: filling.found,
    onFound: ({ count }) => {
      tell({ kind: 'found', batch: filling.number, count });
      filling = memory.begin();
      return filling.found;
    },
    onOddity: ({ bytes }, oddity) => tell({ kind: 'odd', path: bytes, oddity }),
    onProbe: ({ bytes }) => tell({ kind: 'probe', folder: bytes }),
    silent: {
      has: ({ id }) => silent.has(id),
      within: (path, call) => {
        memory.enter(path);
        return call();
      },
      close: (_, opened) => opened.close(),
    },
  });
  tell({ kind: 'ended', result });
} catch (error) {
  tell({ kind: 'failed', error: carry(error) });
}
