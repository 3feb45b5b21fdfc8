// A store under test beside its scripted server, and files that live in memory.

import type { JournaledUpload, UploadJournal, UploadSource } from '../../src/store/object-store.ts';
import { PartPlanner, type PartPlannerOptions } from '../../src/store/part-plan.ts';
import { S3Store, type S3StoreOptions } from '../../src/store/s3/s3-store.ts';
import { systemClock } from '../../src/system/clock.ts';
import { NO_PROXIES } from '../../src/system/proxies.ts';
import { readService } from '../../src/system/service.ts';
import { localHandler } from '../../src/transport/local-handler.ts';
import type { PacedHandlerOptions } from '../../src/transport/paced-handler.ts';
import { UNPACED } from '../../src/transport/pacer.ts';
import { DIRECT } from './direct-way.ts';

process.env.AWS_ACCESS_KEY_ID = 'test';
process.env.AWS_SECRET_ACCESS_KEY = 'test';
process.env.AWS_EC2_METADATA_DISABLED = 'true';

export type StoreOverrides = Partial<S3StoreOptions & PacedHandlerOptions & PartPlannerOptions>;

export const PART_BYTES = 5 * 1024 ** 2;

export function storeAt(server: { readonly endpoint: string }, options: StoreOverrides = {}): S3Store {
  const requestHandler = localHandler({
    pacer: { ...UNPACED, sliceBytes: () => 65_536 },
    clock: systemClock,
    wayOut: DIRECT,
    connectTimeoutMs: 1_000,
    idleTimeoutMs: 2_000,
    deadlineMs: 10_000,
    maxSockets: 16,
    ...options,
  });
  return new S3Store({
    bucket: 'bucket',
    prefix: '',
    region: 'us-east-1',
    endpoint: server.endpoint,
    forcePathStyle: true,
    proxies: NO_PROXIES,
    service: readService({}),
    storageClass: undefined,
    serverSideEncryption: undefined,
    kmsKeyId: undefined,
    metadata: {},
    tags: {},
    conflict: 'keep-both',
    parts: new PartPlanner({ partSizeBytes: PART_BYTES, partsAtOnce: 2, ...options }),
    requestHandler,
    clock: systemClock,
    ...options,
  });
}

export function sourceOf(content: Buffer): UploadSource {
  return {
    sizeBytes: content.length,
    read: async (offset, length) => Buffer.from(content.subarray(offset, offset + length)),
  };
}

export class MemoryJournal implements UploadJournal {
  upload: JournaledUpload | undefined;
  /** Of an earlier content of the file. */
  stale: JournaledUpload | undefined;

  async load(): Promise<JournaledUpload | undefined> {
    return this.upload;
  }
  async loadStale(): Promise<JournaledUpload | undefined> {
    return this.stale;
  }
  async save(upload: JournaledUpload): Promise<void> {
    this.upload = upload;
    // As in a file's real journal, which holds one record.
    this.stale = undefined;
  }
  async clear(): Promise<void> {
    this.upload = undefined;
    this.stale = undefined;
  }
}

/** Bytes that differ everywhere, so that no two parts are alike. */
export function bytesOf(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let offset = 0; offset + 4 <= sizeBytes; offset += 4)
    bytes.writeUInt32LE((offset * 2_654_435_761 + seed) >>> 0, offset);
  return bytes;
}
