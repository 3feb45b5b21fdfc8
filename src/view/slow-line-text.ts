// The sentence about a line that takes less than its configured capacity, with the value to set.
import { readableRate } from './readable.ts';
import type { LinkView } from './snapshot.ts';

/** Undefined while the line keeps up. */
export function slowLineText(link: LinkView): string | undefined {
  const { slowLine, capacityBitsPerSec, capacityFrom } = link;
  if (slowLine === null) return undefined;
  const takes = readableRate(slowLine.bitsPerSec);
  if (slowLine.limitedBy === 'store') return `the store takes ${takes}, and no more: uploads wait for it`;
  const says = capacityFrom === 'driver' ? "the card's driver" : 'link.capacity';
  return `the line takes ${takes}, ${says} says ${readableRate(capacityBitsPerSec)}: set link.capacity to ${takes}`;
}
