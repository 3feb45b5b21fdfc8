// The part of `halfpipe check` about the link: which link would be measured, its capacity, and what
// is not seen.

import type { Settings } from '../config/settings.ts';
import { formatPercent } from '../config/units.ts';
import { LinkFinder } from '../link/link-finder.ts';
import type { UplinkIdentity, UplinkOptions } from '../link/uplink-identity.ts';
import { ratesOn } from '../pace/link-rates.ts';
import { proxyOf, uplinkOptionsOf } from '../stage-options.ts';
import { throughProxy } from '../system/proxies.ts';
import { readableRate } from '../view/readable.ts';
import { type Finding, ok, warns } from './finding.ts';

const CAPACITY_REASONS: Readonly<Record<UplinkIdentity['capacityFrom'], string>> = {
  'link.capacity': 'link.capacity says so',
  driver: 'its driver says so',
  'least known': 'it is the least that is known',
  seen: 'it is what the line was seen to take',
};

/** Rejects with a Fault when there is no link now. */
export async function examineLink(settings: Settings): Promise<readonly Finding[]> {
  const options = await uplinkOptionsOf(settings);
  const finder = new LinkFinder();
  const found = await finder.find(options);
  const { name, via, capacityBitsPerSec, capacityFrom, warnings } = found;
  const { targetBytesPerSec, floorBytesPerSec } = ratesOn(capacityBitsPerSec, settings.link);
  const target = `${readableRate(targetBytesPerSec * 8)} (${formatPercent(settings.link.share)})`;
  const elsewhere = await findElsewhere(found, options, finder);
  const proxy = await proxyOf(settings);
  const next = proxy === undefined ? 'the endpoint' : 'the proxy';
  return [
    ...(proxy === undefined ? [] : [ok(throughProxy(proxy))]),
    ok(`interface ${name}: ${reason(options, via, next)}`),
    ...(elsewhere === undefined ? [] : [warns(elsewhere)]),
    ...warnings.map(warns),
    ok(`capacity ${readableRate(capacityBitsPerSec)}: ${CAPACITY_REASONS[capacityFrom]}`),
    ok(`target ${target}, floor ${readableRate(floorBytesPerSec * 8)}`),
  ];
}

function reason({ interface: wanted }: UplinkOptions, via: string | undefined, next: string): string {
  if (wanted !== 'auto') return 'link.interface names it';
  return via === undefined ? `it carries the route to ${next}` : `it carries ${via}, the route to ${next}`;
}

/**
 * Returns a warning if the operator named an interface that the uploads do not use. Undefined if
 * the route says nothing, as on loopback.
 */
export async function findElsewhere(
  found: UplinkIdentity,
  options: UplinkOptions,
  finder: LinkFinder,
): Promise<string | undefined> {
  const { interface: wanted, endpoint } = options;
  if (wanted === 'auto' || found.warnings.length > 0) return undefined;
  const automatic = await finder.find({ ...options, interface: 'auto' }, found).catch(() => undefined);
  const names = automatic?.carriers.map(({ name }) => name) ?? [];
  if (names.length === 0 || names.includes(wanted) || names.includes('lo')) return undefined;
  const all = names.join(' and ');
  const remedy = names.length === 1 ? `${all}, or to auto` : 'auto';
  return `the route to ${endpoint.host} leads through ${all}: set link.interface to ${remedy}`;
}
