// What an ingest thread that does not answer most likely waits for.
import { Fault } from '../system/fault.ts';

export function silentFault(silentMs: number): Fault {
  return new Fault('blocked', `the ingest thread has been silent for ${silentMs / 1_000} s`, {
    operation: 'take files over HTTP',
    subject: 'ingest.listen',
    hint: "It waits for the spool's disk: see dmesg. It goes on by itself when the disk answers",
    isLocal: true,
  });
}
