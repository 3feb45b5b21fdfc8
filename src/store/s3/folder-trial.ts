// A tiny object of our own in a folder: when the store takes it, a file that it refused is refused
// for its own sake.
import { Fault } from '../../system/fault.ts';
import { digestOf } from '../digest.ts';
import { keyFor } from '../keys.ts';
import { isDenied, type S3Bucket } from './bucket.ts';
import { digestsOfObject } from './read-back.ts';

/**
 * One name for ever, so that a store that lets nothing be deleted holds one such object in a folder
 * at most.
 */
export const OWN_OBJECT = '.halfpipe-trial';
const BODY = Buffer.from('halfpipe put this object to find out whether the store takes objects here.\n');

/**
 * Puts it below the prefix in `folder`, which is the bytes of a path that is empty or ends in `/`,
 * and reads it back. Rejects with the Fault of that; halfpipe needs no right to delete.
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

/** A store that loses or changes what it takes proves no file: then it is to blame. */
async function readBack(bucket: S3Bucket, key: string, signal: AbortSignal): Promise<void> {
  const parts = [await digestOf(BODY)];
  const local = { sizeBytes: BODY.byteLength, parts, multipart: false };
  try {
    const [digest] = await digestsOfObject(bucket, local, { key, sizeBytes: BODY.byteLength }, signal);
    if (digest?.sha256Hex === parts[0]?.sha256Hex) return;
  } catch (error) {
    // Credentials that may only write, or a replica that is behind: the put was answered.
    if (isDenied(error) || (error instanceof Fault && error.code === 'NoSuchKey')) return;
    throw error;
  }
  throw new Fault('breaker', 'the store returned other bytes than were put', {
    operation: 'compare object',
    subject: `${bucket.name}/${key}`,
    hint: 'Something between here and the store changes the content: check s3.endpoint and any proxy.',
    code: 'RoundTripDiffers',
  });
}
