// A process with a door at the listening socket that it inherits as descriptor 3. It says where, and ends when it is asked to.
import { fstatSync } from 'node:fs';
import { OpenDoor } from './open-door.ts';

const closing: (() => unknown)[] = [];
const { door } = await OpenDoor.open(
  { after: (close) => void closing.push(close as () => unknown) },
  { listen: { kind: 'systemd', fd: 3, inode: fstatSync(3).ino } },
);
console.log(door.urls.join());
process.stdin.once('end', async () => {
  for (const close of closing) await close();
  process.exit();
});
process.stdin.resume();
