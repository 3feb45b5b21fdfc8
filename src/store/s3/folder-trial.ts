// Puts a tiny object of our own into a folder. If the store accepts it, a file that the store
// refused is itself to blame.
import { Fault } from '../../system/fault.ts';
import { digestOf } from '../digest.ts';
import { keyFor } from '../keys.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { digestsOfObject } from './read-back.ts';

/**
 * Always the same name, so that a store that allows no deletions holds at most one such object in a
 * folder.
 */
export const OWN_OBJECT = '.halfpipe-trial';
const BODY = Buffer.from('halfpipe put this object to find out whether the store takes objects here.\n');

/**
 * Puts the object below the prefix in `folder` (the bytes of a path that is empty or ends in `/`),
 * reads it back and deletes it. Rejects with the Fault of the put or of reading back. A refused
 * deletion is ignored: halfpipe needs no right to delete.
 */
export async function putOwnObject(bucket: S3Bucket, folder: Buffer, signal: AbortSignal): Promise<void> {
  const key = keyFor(Buffer.concat([folder, Buffer.from(OWN_OBJECT)]), bucket.prefix);
  const { versionId } = await bucket.put(key, BODY, await digestOf(BODY), 'none', signal);
  try {
    await readBack(bucket, key, signal);
  } finally {
    await bucket.delete(key, versionId, signal).catch(() => signal.throwIfAborted());
  }
}

/**
 * Rejects with Fault `breaker` if the store loses or changes what it accepts: then it proves
 * nothing about files, and is itself to blame.
 */
async function readBack(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<void> {
  const parts = [await digestOf(BODY)];
  const local = { sizeBytes: BODY.byteLength, parts, multipart: false };
  try {
    const [digest] = await digestsOfObject(bucket, local, { key, sizeBytes: BODY.byteLength }, signal);
    if (digest?.sha256Hex === parts[0]?.sha256Hex) return;
  } catch (error) {
    // The credentials may only write, or a replica is behind. The put was answered, which is
    // enough.
    if (isDenied(error) || (error instanceof Fault && error.code === 'NoSuchKey')) return;
    throw error;
  }
  throw new Fault('breaker', 'the store returned other bytes than were put', {
    operation: 'compare object',
    subject: `${bucket.name}/${key}`,
    hint: 'Something between this machine and the store changes the content: check s3.endpoint and any proxy.',
    code: 'RoundTripDiffers',
  });
}
