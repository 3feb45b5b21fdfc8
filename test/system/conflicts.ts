// What becomes of two contents under one key, on any S3 server: asked of the store itself, judged by reading the bucket.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isProof, verify } from '../../src/drain/verify.ts';
import type { UploadRequest } from '../../src/store/object-store.ts';
import type { ConflictPolicy } from '../../src/store/s3/resolve-conflict.ts';
import { Fault } from '../../src/system/fault.ts';
import { S3Reader } from '../support/s3-reader.ts';
import { bytesOf, MemoryJournal, PART_BYTES, sourceOf, storeAt } from '../support/store-fixture.ts';
import type { Target } from './s3-servers.ts';

export const CONFLICTS: readonly { policy: ConflictPolicy; what: string; sizeBytes: number }[] = [
  { policy: 'keep-both', what: 'small files', sizeBytes: 10_000 },
  { policy: 'keep-both', what: 'files in parts', sizeBytes: PART_BYTES + 1 },
  { policy: 'overwrite', what: 'small files', sizeBytes: 10_000 },
  { policy: 'overwrite', what: 'files in parts', sizeBytes: PART_BYTES + 1 },
  { policy: 'skip', what: 'small files', sizeBytes: 10_000 },
  { policy: 'skip', what: 'files in parts', sizeBytes: PART_BYTES + 1 },
];

/** Each time with a store that has yet to learn what the server can do, and once with one that knows. */
export async function keepsPolicy(target: Target, policy: ConflictPolicy, sizeBytes: number): Promise<void> {
  process.env.AWS_ACCESS_KEY_ID = target.accessKeyId;
  process.env.AWS_SECRET_ACCESS_KEY = target.secretAccessKey;
  const key = `conflicts/${policy}-${sizeBytes}`;
  const [first, second, third] = [bytesOf(sizeBytes, 1), bytesOf(sizeBytes, 2), bytesOf(sizeBytes, 3)];
  const fresh = () => storeAt(target, { bucket: target.bucket, conflict: policy });
  const request = (content: Buffer): UploadRequest => ({
    key,
    source: sourceOf(content),
    journal: new MemoryJournal(),
    signal: new AbortController().signal,
  });
  const put = async (content: Buffer, store = fresh()) => {
    const upload = await store.upload(request(content));
    const receipt = isProof(verify(upload.local, upload.receipt))
      ? upload.receipt
      : await store.confirm(upload.receipt.key, upload.local, request(content).signal);
    assert.ok(isProof(verify(upload.local, receipt)), 'the file may go');
    return { outcome: upload.outcome, key: receipt.key };
  };
  const reader = new S3Reader(target.endpoint, target.bucket, target);
  try {
    assert.deepEqual(await put(first), { outcome: 'stored', key });
    const again = policy === 'overwrite' ? 'stored' : 'already-there';
    assert.deepEqual(await put(first), { outcome: again, key }, 'after a crash, say');
    const expected = new Map([[key, policy === 'overwrite' ? third : first]]);
    const knowing = fresh();
    for (const [content, store] of [
      [second, fresh()],
      [first, knowing],
      [third, knowing],
    ] as const) {
      if (policy === 'skip' && content !== first) {
        await assert.rejects(
          put(content, store),
          (fault) => fault instanceof Fault && fault.code === 'ObjectExists',
        );
        continue;
      }
      const stored = await put(content, store);
      if (policy !== 'keep-both') assert.equal(stored.key, key);
      expected.set(stored.key, content);
    }
    const held = new Map<string, string>();
    for (const name of await reader.keys())
      if (name.startsWith(key)) held.set(name, await reader.sha256Of(name));
    const digests = [...expected].map(([name, content]) => [name, sha256Of(content)] as [string, string]);
    assert.deepEqual(held, new Map(digests));
    assert.equal(held.size, policy === 'keep-both' ? 3 : 1);
    assert.deepEqual(await reader.openUploads(), []);
  } finally {
    reader.close();
  }
}

function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
