// Turns the one configuration into the options of each stage.

import type { BacklogOptions } from './backlog/backlog-ports.ts';
import { IgnoreRules } from './backlog/ignore-rules.ts';
import type { Settings } from './config/settings.ts';
import type { DrainOptions } from './drain/drain-ports.ts';
import type { HandedSocket, IngestOptions } from './ingest/ingest-options.ts';
import type { UplinkOptions } from './link/uplink-identity.ts';
import type { ManifestOptions } from './manifest/open-manifest.ts';
import type { Allowance } from './pace/link-rates.ts';
import type { PacketsOptions } from './packets/packets.ts';
import type { PackingOptions } from './packets/packing.ts';
import type { SpoolPath } from './spool/entry.ts';
import type { Steering } from './steer/steering.ts';
import { KEY_BYTES_MAX } from './store/keys.ts';
import { PARTS_AT_ONCE_MAX, PartPlanner } from './store/part-plan.ts';
import { endpointOf } from './store/s3/endpoint.ts';
import type { S3StoreOptions } from './store/s3/s3-store.ts';
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

/** The proxy in front of the store; undefined if there is none. */
export async function proxyOf({ proxies, s3 }: Settings): Promise<ProxySetting | undefined> {
  return proxyFor(proxies, await endpointOf(s3));
}

/** Rejects with a Fault that names the file when certificates cannot be read. */
export async function wayOutOf({ proxies }: Settings): Promise<WayOutOptions> {
  return { proxies, trustedCertificates: await trustedCertificates() };
}

/** The settings with the share that holds now. */
export function steeredSettings(settings: Settings, steering: Pick<Steering, 'shareUnder'>): Settings {
  return { ...settings, link: { ...settings.link, share: steering.shareUnder(settings.link) } };
}

export function allowanceOf({ link: { share, floor } }: Settings): Allowance {
  return { share, floor };
}

export async function sendingOptionsOf(settings: Settings): Promise<SendingOptions> {
  const uplink = await uplinkOptionsOf(settings);
  const wayOut = await wayOutOf(settings);
  return {
    uplink,
    allowance: allowanceOf(settings),
    sampleIntervalMs: settings.link.sampleIntervalMs,
    wayOut,
  };
}

export function backlogOptionsOf({ spool }: Settings): BacklogOptions {
  const { order, ignore, settleMs, rescanMs, maxIndexed } = spool;
  return { order, ignore, settleMs, rescanMs, maxIndexed };
}

export function drainOptionsOf({ retry, upload }: Settings): DrainOptions {
  const { initialMs, maxMs, maxAttempts } = retry;
  const { concurrency, maxConcurrency, maxMemoryBytes } = upload;
  return { retry: { initialMs, maxMs, maxAttempts }, concurrency, maxConcurrency, maxMemoryBytes };
}

/** Undefined if no files are packed. */
export function packingOptionsOf({ packets }: Settings): PackingOptions | undefined {
  const { enabled, match, maxFileSizeBytes, sizeBytes, maxFiles, maxDelayMs, groupBy } = packets;
  if (!enabled) return undefined;
  const patterns = new IgnoreRules(match);
  const matches = ({ bytes }: SpoolPath) =>
    patterns.ignores(bytes.subarray(bytes.lastIndexOf('/') + 1), bytes);
  return { match: matches, maxFileBytes: maxFileSizeBytes, sizeBytes, maxFiles, maxDelayMs, groupBy };
}

export function packetsOptionsOf(settings: Settings): PacketsOptions {
  const { bucket, endpoint, prefix } = settings.s3;
  const { compress, key } = settings.packets;
  return { place: { bucket, endpoint, prefix }, packing: packingOptionsOf(settings), compress, key };
}

/** Undefined if no manifest is kept. */
export function manifestOptionsOf({ manifest, spool }: Settings): ManifestOptions | undefined {
  const { path, ...limits } = manifest;
  return path === undefined ? undefined : { path, ...limits, spoolPath: spool.path };
}

/**
 * Undefined if no files are taken over HTTP. `handedSocket` is the socket that systemd has opened,
 * if there is one.
 */
export function ingestOptionsOf(
  { ingest, spool, s3 }: Settings,
  syncs: number,
  handedSocket: HandedSocket | undefined,
): IngestOptions | undefined {
  const { listen, tokensFile, ...limits } = ingest;
  if (listen === undefined || tokensFile === undefined) return undefined;
  return {
    ...limits,
    listen: listen.kind === 'systemd' ? { ...listen, ...handedSocket } : listen,
    tokensFile,
    spoolPath: spool.path,
    ignore: spool.ignore,
    maxPathBytes: KEY_BYTES_MAX - Buffer.byteLength(s3.prefix),
    syncsAtOnce: syncs,
  };
}

/** One half of the memory is for files sent in parts; see drain/upload-memory. */
export function partPlannerOf({ s3, upload }: Settings, leastPartBytes?: number): PartPlanner {
  const memoryBytes = upload.maxMemoryBytes / 2;
  return new PartPlanner({ partSizeBytes: s3.partSizeBytes, memoryBytes, leastPartBytes });
}

export function storeOptionsOf(
  { s3, upload, proxies, service }: Settings,
  sending: Pick<Sender, 'createHandler'>,
  clock: Clock,
  parts: PartPlanner,
  onEvent?: S3StoreOptions['onEvent'],
): S3StoreOptions {
  const { deadlineMs, idleTimeoutMs, connectTimeoutMs, maxConcurrency } = upload;
  const maxSockets = maxConcurrency * PARTS_AT_ONCE_MAX;
  const requestHandler = sending.createHandler({ deadlineMs, idleTimeoutMs, connectTimeoutMs, maxSockets });
  return { ...s3, requestHandler, clock, parts, onEvent, proxies, service };
}
