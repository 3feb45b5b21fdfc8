// The ingest thread. A client that uploads as fast as it can costs the drain and the pacing nothing
// but a share of the processor.
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { Deposits } from '../spool/deposits.ts';
import { carry } from '../system/carried-error.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf } from '../system/fault.ts';
import { IngestDoor } from './ingest-door.ts';
import type { IngestNotice, IngestOrder } from './ingest-messages.ts';
import type { IngestOptions } from './ingest-options.ts';
import { IngestService } from './ingest-service.ts';
import { Tokens } from './tokens.ts';

if (parentPort === null) throw new Error('this is the ingest thread, which the daemon starts');
const port = parentPort;

/** Where the processor is short, it goes to the drain and to the pacing first. See nice(2). */
const NICENESS = 10;
const NICENESS_MAX = 19;
standBack();

/** The spool's path stays the same for the life of the process. */
let deposits: Deposits | undefined;

const service = new IngestService({
  clock: systemClock,
  onEvent: (event) =>
    tell({
      kind: 'event',
      event: event.kind === 'fault' ? { ...event, error: carry(event.error) } : event,
    }),
  openDoor: async (options, ports) => {
    deposits ??= await Deposits.open(options.spoolPath, options);
    const tokens = (file: IngestOptions['tokensFile']) => new Tokens(file, systemClock);
    return IngestDoor.open(options, { ...ports, deposits, tokens });
  },
});

/** The main thread sends one order that takes time, and waits for its answer. */
port.on('message', (order: IngestOrder) => {
  switch (order.kind) {
    case 'serve':
      service.serve(order.options).then(
        (listening) => tell({ kind: 'serving', listening }),
        (error: unknown) => tell({ kind: 'refused', error: carry(error), isOpen: service.isOpen }),
      );
      return;
    case 'backlog':
      return service.setBacklog(order.backlog);
    case 'close':
      // Without its port, nothing keeps the thread alive.
      void close().finally(() => port.close());
  }
});

/** On Linux, setpriority(2) is for the calling thread alone. */
function standBack(): void {
  try {
    setPriority(Math.min(NICENESS_MAX, getPriority() + NICENESS));
  } catch (error) {
    // The sandbox refuses it (EPERM) unless systemd/examples/ingest.conf is used: all threads are
    // then equal.
    if (errnoOf(error) === undefined) throw error;
  }
}

async function close(): Promise<void> {
  await service.close();
  await deposits?.close();
}

function tell(notice: IngestNotice): void {
  port.postMessage(notice);
}
