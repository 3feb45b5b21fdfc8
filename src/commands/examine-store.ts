// The part of `halfpipe check` about the store. It tries out what the store accepts with objects of
// our own, and removes them again.

import type { Settings } from '../config/settings.ts';
import { formatSize } from '../config/units.ts';
import { LinkFinder } from '../link/link-finder.ts';
import type { UplinkIdentity } from '../link/uplink-identity.ts';
import { ratesOn } from '../pace/link-rates.ts';
import { allowanceOf, partPlannerOf, storeOptionsOf, uplinkOptionsOf, wayOutOf } from '../stage-options.ts';
import type { Leftovers } from '../store/s3/own-objects.ts';
import type { RoundTrip } from '../store/s3/round-trip.ts';
import { S3Store } from '../store/s3/s3-store.ts';
import { TWO_PARTS_BYTES } from '../store/s3/two-part-trip.ts';
import { systemClock } from '../system/clock.ts';
import { PacedLink } from '../thread/paced-link.ts';
import { localHandler } from '../transport/local-handler.ts';
import { UNPACED } from '../transport/pacer.ts';
import type { HandlerOptions } from '../transport/request-watch.ts';
import { readableDuration, readableSize } from '../view/readable.ts';
import { type Finding, ok, warns } from './finding.ts';

const STORE_TIMEOUT_MS = 30_000;
/** Used if there is no link to measure: only a few small requests are sent then. */

export async function examineStore(
  settings: Settings,
  say: (finding: Finding) => void,
): Promise<readonly Finding[]> {
  const link = await uplinkOptionsOf(settings)
    .then((options) => new LinkFinder().find(options))
    .catch(() => undefined);
  const paced = link === undefined ? undefined : pacedLink(settings, link);
  const store = await storeOf(settings, paced);
  paced?.start();
  try {
    const signal = AbortSignal.timeout(STORE_TIMEOUT_MS);
    await store.probe(signal);
    const trip = await store.roundTrip(signal);
    const refused = trip.partsRefused;
    if (refused !== undefined || link === undefined)
      return [wholeFinding(settings, trip), ...partsFindings(settings, trip), ...findingsOf(trip, [])];
    const parts = await tryTwoParts(settings, link, store, say);
    return [wholeFinding(settings, trip), ...parts.findings, ...findingsOf(trip, parts.leftovers)];
  } finally {
    store.close();
    paced?.stop();
  }
}

/**
 * What is sent here counts like the daemon's uploads: all traffic on the link together stays at the
 * target.
 */
function pacedLink(settings: Settings, link: UplinkIdentity): PacedLink {
  const ignored = () => undefined;
  const { sampleIntervalMs } = settings.link;
  const events = { onMeasurable: ignored, onBeyond: ignored, onTick: ignored };
  return new PacedLink(systemClock, { link, allowance: allowanceOf(settings), sampleIntervalMs }, events);
}

/** A store as the daemon uses it. Without a link, nothing that is sent waits. */
export async function storeOf(settings: Settings, paced?: PacedLink): Promise<S3Store> {
  const wayOut = await wayOutOf(settings);
  const pace =
    paced === undefined ? { pacer: UNPACED } : { pacer: paced.shaper, deliveries: paced.deliveries };
  const createHandler = (limits: HandlerOptions) =>
    localHandler({ ...limits, ...pace, wayOut, clock: systemClock });
  return new S3Store(storeOptionsOf(settings, { createHandler }, systemClock, partPlannerOf(settings)));
}

async function tryTwoParts(
  settings: Settings,
  { capacityBitsPerSec }: UplinkIdentity,
  store: S3Store,
  say: (finding: Finding) => void,
): Promise<{ findings: readonly Finding[]; leftovers: readonly Leftovers[] }> {
  const { targetBytesPerSec } = ratesOn(capacityBitsPerSec, settings.link);
  const { notice, limitMs } = twoPartsPlan(targetBytesPerSec);
  if (notice !== undefined) say(notice);
  if (limitMs === undefined) return { findings: [], leftovers: [] };
  const during = AbortSignal.timeout(limitMs);
  try {
    const all = AbortSignal.timeout(limitMs + STORE_TIMEOUT_MS);
    const leftovers = [await store.twoPartTrip(during, all)];
    const what = `an object of ${readableSize(TWO_PARTS_BYTES)} was put in two parts, and another upload was aborted`;
    return { findings: [ok(what)], leftovers };
  } catch (error) {
    if (!during.aborted) throw error;
    return { findings: [warns(tooSlow(limitMs))], leftovers: [] };
  }
}

/**
 * What is printed before `TWO_PARTS_BYTES` are sent, and how long that may take. Without a limit,
 * they are not sent.
 */
export function twoPartsPlan(targetBytesPerSec: number): {
  readonly notice: Finding | undefined;
  readonly limitMs: number | undefined;
} {
  const takesMs = (TWO_PARTS_BYTES / targetBytesPerSec) * 1_000;
  const size = readableSize(TWO_PARTS_BYTES);
  const takes = `about ${readableDuration(takesMs)} at the target`;
  if (takesMs > TRIP_MS_MAX)
    return {
      notice: warns(`a multipart upload was not tried: the ${size} that S3 requires would take ${takes}`),
      limitMs: undefined,
    };
  const notice = ok(`an object of ${size} is sent in two parts now: ${takes}`);
  return {
    notice: takesMs > TELL_MS ? notice : undefined,
    limitMs: Math.ceil(SPARE_MS + SPARE_TIMES * takesMs),
  };
}

/** After this long without output, a user wonders whether anything happens. */
const TELL_MS = 5_000;
const TRIP_MS_MAX = 5 * 60_000;
/** Others may use the link meanwhile, and a line may be slower than configured. */
const SPARE_TIMES = 3;
const SPARE_MS = 60_000;

function tooSlow(limitMs: number): string {
  return (
    `a multipart upload of ${readableSize(TWO_PARTS_BYTES)} did not end within ${readableDuration(limitMs)} and was given up: ` +
    'other traffic uses the link, or the line is slower than link.capacity says'
  );
}

function wholeFinding({ s3: { bucket } }: Settings, { partsRefused }: RoundTrip): Finding {
  const parts = partsRefused === undefined ? ' and one in parts, both' : ',';
  return ok(`bucket ${bucket}: an object was put whole${parts} read back and compared`);
}

function partsFindings({ s3: { partSizeBytes } }: Settings, { partsRefused }: RoundTrip): readonly Finding[] {
  if (partsRefused === undefined) return [warns(UNTRIED)];
  const remedy = 'set s3.partSize above the largest file, at most 4 GiB';
  const what = `the store accepts no multipart uploads (${partsRefused.code ?? partsRefused.message})`;
  return [warns(`${what}: files over ${formatSize(partSizeBytes)} cannot be stored; ${remedy}`)];
}

const UNTRIED = 'a multipart upload of 5 MiB was not tried, because the link is not known';

function findingsOf(trip: RoundTrip, others: readonly Leftovers[]): readonly Finding[] {
  const { refusals, listsUploads, partsRefused } = trip;
  const isUnlisted = !listsUploads && partsRefused === undefined;
  return [
    removal(together([trip.leftovers, ...others])),
    ok(conditionsText(trip)),
    ...(refusals.length === 0
      ? []
      : [ok(`the store refuses these, so they are left out: ${refusals.join(', ')}`)]),
    ...(isUnlisted ? [warns(UNLISTED)] : []),
  ];
}

function together(all: readonly Leftovers[]): Leftovers {
  return {
    objects: all.reduce((sum, { objects }) => sum + objects, 0),
    areVersions: all.some(({ areVersions }) => areVersions),
    fault: all.find(({ fault }) => fault !== undefined)?.fault,
  };
}

const UNLISTED =
  'open uploads cannot be listed: an upload whose id is lost in a crash stays open. Allow s3:ListBucketMultipartUploads on ' +
  'the bucket, or have a lifecycle rule abort unfinished uploads';

function removal({ objects, areVersions, fault }: Leftovers): Finding {
  if (fault === undefined)
    return ok(areVersions ? 'and deleted again, each version of them' : 'and deleted again');
  const what = areVersions
    ? `${objects} versions had to be left behind, because the bucket keeps them`
    : `${objects} objects could not be deleted (the daemon never needs to)`;
  return ok(`${what}: ${fault.message}`);
}

function conditionsText({ conditions: whole, conditionsInParts: inParts, partsRefused }: RoundTrip): string {
  const looks = 'every key is looked up before it is written';
  if (whole !== 'supported') return `the store does not honour If-None-Match: ${looks}`;
  if (inParts === 'supported' || partsRefused !== undefined)
    return 'If-None-Match keeps objects from being overwritten';
  return `If-None-Match keeps objects from being overwritten, except by multipart uploads: for these, ${looks}`;
}
