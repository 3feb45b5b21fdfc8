// Log lines about packets that are made, split and dropped. Those about packets that were sent are
// in file-lines.
import type { Logger } from '../log/log.ts';
import { explain } from '../system/fault.ts';
import { readableSize } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';

export function packetLines(log: Logger): Listener {
  return (event) => {
    switch (event.kind) {
      case 'packed': {
        const { id, key, sizeBytes, members } = event.packet;
        const text = `packed ${members.length} files (${readableSize(sizeBytes)}) as ${key}`;
        return log.debug({ event: 'packed', packet: id, key, files: members.length, sizeBytes }, text);
      }
      case 'packetSplit': {
        const { packet, reason } = event;
        const text = `the store refuses a packet of ${packet.members.length} files: ${reason}; they are packed again in halves`;
        return log.warn({ event: 'packetSplit', key: packet.key, files: packet.members.length }, text);
      }
      case 'packetDropped': {
        const { id, reason, repeated } = event;
        const again = repeated === 0 ? '' : `; ${repeated} files may be stored twice`;
        return log.warn(
          { event: 'packetDropped', packet: id, repeated },
          `dropped a packet: ${reason}${again}`,
        );
      }
      case 'packingRests': {
        const { fault, forMs } = event;
        const text = `files are sent one by one for ${forMs / 1000} s, because no packet can be written: ${explain(fault)}`;
        return log.warn({ event: 'packingRests', fault }, text);
      }
    }
  };
}
