// Log lines about the listener for observers.
import type { Logger } from '../log/log.ts';
import { explain } from '../system/fault.ts';
import type { Listener } from './daemon-event.ts';

export function observeLines(log: Logger): Listener {
  let isDown = false;
  return (event) => {
    if (event.kind === 'observeDown') {
      isDown = true;
      const { error } = event;
      const text = `metrics and page are not served, and it is tried again: ${explain(error)}`;
      return log.error({ event: 'observeDown', fault: error }, text);
    }
    if (event.kind !== 'observing') return;
    const { urls, isOpen } = event;
    const fields = { event: 'observing', urls };
    const isBack = isDown && urls.length > 0;
    isDown = false;
    if (isBack)
      return log.info({ event: 'observeBack', urls }, `page and metrics are again at ${urls.join(' and ')}`);
    if (urls.length === 0) log.info(fields, 'observe.listen is off: its port is closed');
    else if (isOpen) {
      const text = `every client on the network may read metrics and status at ${urls.join(' and ')}: set observe.tokenFile, or set observe.listen to a port alone`;
      log.warn(fields, text);
    } else log.info(fields, `page and metrics are at ${urls.join(' and ')}`);
  };
}
