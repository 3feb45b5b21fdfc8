// Log lines about the listener for observers.
import type { Logger } from '../log/log.ts';
import type { Listener } from './daemon-event.ts';

export function observeLines(log: Logger): Listener {
  return (event) => {
    if (event.kind !== 'observing') return;
    const { urls, isOpen } = event;
    const fields = { event: 'observing', urls };
    if (urls.length === 0) log.info(fields, 'observe.listen is off: its port is closed');
    else if (isOpen) {
      const text = `every client on the network may read metrics and status at ${urls.join(' and ')}: set observe.tokenFile, or set observe.listen to a port alone`;
      log.warn(fields, text);
    } else log.info(fields, `page and metrics are at ${urls.join(' and ')}`);
  };
}
