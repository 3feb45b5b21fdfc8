// From the one configuration to the small options of each stage: the only arithmetic between
// people's settings and code.

import type { BacklogOptions } from './backlog/backlog-parts.ts';
import type { Settings } from './config/settings.ts';
import type { DrainOptions } from './drain/drain-ports.ts';
import type { UplinkOptions } from './link/link-finder.ts';
import { largestFileBytes, partsAtOnceWithin, uploadMemoryBytes } from './store/part-plan.ts';
import { endpointOf } from './store/s3/endpoint.ts';
import { DEFAULT_PARTS_AT_ONCE, type S3StoreOptions } from './store/s3/s3-store.ts';
import type { Clock } from './system/clock.ts';
import { type ProxySetting, proxyAddress, proxyFor } from './system/proxies.ts';
import type { Sender, SendingOptions } from './thread/sender.ts';
import { trustedCertificates } from './transport/trusted-certificates.ts';
import type { WayOutOptions } from './transport/way-out.ts';

export async function uplinkOptionsOf(settings: Settings): Promise<UplinkOptions> {
  const { interface: name, capacityBitsPerSec: capacity, counter } = settings.link;
  const endpoint = await endpointOf(settings.s3);
  const proxy = proxyFor(settings.proxies, endpoint);
  return {
    interface: name,
    capacity,
    counter,
    endpoint: proxy === undefined ? endpoint : proxyAddress(proxy),
  };
}

/** The proxy in front of the store, if there is one. */
export async function proxyOf({ proxies, s3 }: Settings): Promise<ProxySetting | undefined> {
  return proxyFor(proxies, await endpointOf(s3));
}

/** Rejects with a Fault that names the file when there are certificates that cannot be read. */
export async function wayOutOf({ proxies }: Settings): Promise<WayOutOptions> {
  return { proxies, trustedCertificates: await trustedCertificates() };
}

export async function sendingOptionsOf(settings: Settings): Promise<SendingOptions> {
  const { share, floor, sampleIntervalMs } = settings.link;
  const uplink = await uplinkOptionsOf(settings);
  const wayOut = await wayOutOf(settings);
  return { uplink, budget: { share, floor }, sampleIntervalMs, wayOut };
}

export function backlogOptionsOf({ spool }: Settings): BacklogOptions {
  const { order, ignore, settleMs, rescanMs } = spool;
  return { order, ignore, settleMs, rescanMs };
}

export function drainOptionsOf({ s3, retry, upload }: Settings): DrainOptions {
  const { initialMs, maxMs, maxAttempts } = retry;
  const partsAtOnce = partsAtOnceOf(s3.partSizeBytes, upload.maxMemoryBytes);
  return {
    prefix: s3.prefix,
    retry: { initialMs, maxMs, maxAttempts },
    concurrency: upload.concurrency,
    maxConcurrency: upload.maxConcurrency,
    maxMemoryBytes: upload.maxMemoryBytes,
    memoryFor: (sizeBytes) => uploadMemoryBytes(sizeBytes, s3.partSizeBytes, partsAtOnce),
    resumableFromBytes: s3.partSizeBytes + 1,
    largestBytes: largestFileBytes(upload.maxMemoryBytes / 2, s3.partSizeBytes),
  };
}

/** One half of the memory is for files sent in parts; see drain/upload-memory. */
function partsAtOnceOf(partSizeBytes: number, maxMemoryBytes: number): number {
  return partsAtOnceWithin(maxMemoryBytes / 2, partSizeBytes, DEFAULT_PARTS_AT_ONCE);
}

export function storeOptionsOf(
  { s3, upload, proxies, service }: Settings,
  sending: Pick<Sender, 'createHandler'>,
  clock: Clock,
  onEvent?: S3StoreOptions['onEvent'],
): S3StoreOptions {
  const { deadlineMs, idleTimeoutMs, connectTimeoutMs, maxConcurrency } = upload;
  const maxSockets = maxConcurrency * DEFAULT_PARTS_AT_ONCE;
  const requestHandler = sending.createHandler({ deadlineMs, idleTimeoutMs, connectTimeoutMs, maxSockets });
  const partsAtOnce = partsAtOnceOf(s3.partSizeBytes, upload.maxMemoryBytes);
  return { ...s3, requestHandler, clock, partsAtOnce, onEvent, proxies, service };
}
