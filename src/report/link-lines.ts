// Log lines about the link: which link it is, what it does not show, and when it is lost.

import type { UplinkIdentity } from '../link/uplink-identity.ts';
import type { Logger } from '../log/log.ts';
import { explain } from '../system/fault.ts';
import { readableRate } from '../view/readable.ts';
import type { Listener } from './daemon-event.ts';

const CAPACITY_ORIGINS: Readonly<Record<UplinkIdentity['capacityFrom'], string>> = {
  'link.capacity': 'as configured',
  driver: 'as its driver says',
  'least known': 'the least that is known',
  seen: 'as it was seen to take',
};

/** Logs each warning once in the life of the process. */
export function linkLines(log: Logger): Listener {
  const told = new Set<string>();
  let before: UplinkIdentity | undefined;
  return (event) => {
    switch (event.kind) {
      case 'link': {
        const warnings = [...event.identity.warnings, ...movedWarnings(before, event.identity)];
        before = event.identity;
        tellLink(log, event.identity);
        for (const warning of warnings.filter((text) => !told.has(text))) {
          told.add(warning);
          log.warn({ event: 'linkWarning', interface: event.identity.name }, warning);
        }
        return;
      }
      case 'waitingForLink': {
        const { fault } = event;
        const text = `waiting for the network: ${explain(fault)} halfpipe starts by itself when the network is there`;
        return log.warn({ event: 'waitingForLink', fault }, text);
      }
      case 'linkUnsure': {
        const { reason } = event;
        if (reason === undefined)
          return log.info({ event: 'linkFound' }, 'the link to the endpoint is found again');
        return log.warn({ event: 'linkUnsure', reason }, `${reason}: the link stays what it was`);
      }
      case 'linkMeasurable':
        return tellMeasurable(log, event.problem);
      case 'linkBeyond':
        return tellBeyond(log);
    }
  };
}

function tellLink(log: Logger, { name, via, capacityBitsPerSec, capacityFrom }: UplinkIdentity): void {
  const below = via === undefined ? '' : `, which carries ${via},`;
  const rate = `${readableRate(capacityBitsPerSec)}, ${CAPACITY_ORIGINS[capacityFrom]}`;
  const fields = { event: 'link', interface: name, via, capacityBitsPerSec, capacityFrom };
  log.info(fields, `the link is ${name}${below} with ${rate}`);
}

function tellMeasurable(log: Logger, problem: string | undefined): void {
  const meanwhile = 'sending at most half the target until the link can be measured';
  if (problem === undefined) log.info({ event: 'measured' }, 'the link is measured again');
  else log.warn({ event: 'degraded', problem }, `${problem}: ${meanwhile}`);
}

function tellBeyond(log: Logger): void {
  const what = 'the network card sends more than link.capacity';
  const why = 'most of it stays in the local network (LAN), or link.capacity is too low';
  const meanwhile = 'until then, others are assumed to send on the line what they sent before';
  const remedy = 'set link.counter to a counter of the line itself, such as the router’s';
  log.warn({ event: 'linkWarning' }, `${what}: ${why}; ${meanwhile}; ${remedy}`);
}

/** One rate for two lines can be right for only one of them. */
function movedWarnings(before: UplinkIdentity | undefined, { name, ...now }: UplinkIdentity): string[] {
  const isSameRate = before?.capacityBitsPerSec === now.capacityBitsPerSec;
  if (before === undefined || before.name === name || !isSameRate || now.capacityFrom !== 'link.capacity')
    return [];
  const remedy = `if that is another line, give each its rate: link.capacity: { ${before.name}: …, ${name}: … }`;
  return [`the route moved from ${before.name} to ${name}, and link.capacity is the same: ${remedy}`];
}
