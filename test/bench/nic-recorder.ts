// A process of its own, run inside a host: prints `MILLISECONDS BYTES` of an interface's transmit counter every
// 10 ms until it is ended. The time is taken around the read, so a late reading is still a right one.
//   nic-recorder.ts INTERFACE
import { openSync, readSync } from 'node:fs';
import { constants, setPriority } from 'node:os';

const INTERVAL_MS = 10;
const READINGS_A_LINE_OUT = 10;

const counter = openSync(`/sys/class/net/${process.argv[2]}/statistics/tx_bytes`, 'r');
const buffer = Buffer.alloc(32);
let lines = '';
let readings = 0;
let dueMs = nowMs();

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function read(): string {
  for (let attempt = 0; ; attempt++) {
    const beforeMs = nowMs();
    const length = readSync(counter, buffer, 0, buffer.length, 0);
    const tookMs = nowMs() - beforeMs;
    // preempted in the middle: nobody knows when the counter was read
    if (tookMs < 0.5 || attempt === 3) {
      return `${(beforeMs + tookMs / 2).toFixed(3)} ${buffer.toString('latin1', 0, length).trim()}\n`;
    }
  }
}

function tick(): void {
  lines += read();
  readings += 1;
  if (readings % READINGS_A_LINE_OUT === 0) {
    process.stdout.write(lines);
    lines = '';
  }
  // readings that were missed stay missed: catching up would only add noise
  dueMs = Math.max(dueMs + INTERVAL_MS, nowMs());
  setTimeout(tick, dueMs - nowMs());
}

process.stdout.on('error', () => process.kill(process.pid, 'SIGTERM'));
// two busy cores must not keep it from reading; it needs well under 1 % of one
setPriority(constants.priority.PRIORITY_HIGHEST);
tick();
