// What `halfpipe check` and the start of the daemon ask of a bucket, with objects of their own only.
import { randomBytes } from 'node:crypto';
import { Fault } from '../system/fault.ts';
import { type Bucket, type ConditionSupport, isTaken } from './bucket.ts';
import { digestOf } from './digest.ts';

export interface RoundTrip {
  readonly key: string;
  /** Whether `If-None-Match` keeps objects from being overwritten; without it, `keep-both` looks first. */
  readonly conditions: ConditionSupport;
  /** Why the test object could not be deleted, which halfpipe itself never needs to; undefined when it was. */
  readonly deleteFault: Fault | undefined;
}

/** Rejects with a Fault that says what is wrong with the bucket, the credentials or the way there. */
export async function probeBucket(bucket: Bucket, prefix: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of bucket.read(`${prefix}.halfpipe-probe`, '0-0', undefined, signal)) break;
  } catch (error) {
    // NoSuchKey: all is well. AccessDenied: S3's answer for what is not there without s3:ListBucket.
    if (error instanceof Fault && ABSENT.has(error.code ?? '')) return;
    throw error;
  }
}

const ABSENT = new Set(['NoSuchKey', 'AccessDenied', 'NotFound', 'InvalidRange']);

export async function roundTrip(bucket: Bucket, prefix: string, signal: AbortSignal): Promise<RoundTrip> {
  const key = `${prefix}.halfpipe-check-${randomBytes(8).toString('hex')}`;
  const body = Buffer.from(`halfpipe check ${randomBytes(16).toString('hex')}\n`);
  const digest = await digestOf(body);
  await bucket.put(key, body, digest, false, signal);
  const conditions = await conditionsOf(() => bucket.put(key, body, digest, true, signal));
  const chunks: Uint8Array[] = [];
  for await (const chunk of bucket.read(key, undefined, undefined, signal)) chunks.push(chunk);
  if (!Buffer.concat(chunks).equals(body)) {
    throw new Fault('breaker', 'the store returned other bytes than were put', {
      operation: 'compare object',
      subject: `${bucket.name}/${key}`,
      hint: 'Something between here and the store changes the content: check s3.endpoint and any proxy.',
      code: 'RoundTripDiffers',
    });
  }
  return { key, conditions, deleteFault: await faultOf(() => bucket.delete(key, signal)) };
}

async function conditionsOf(putAgain: () => Promise<unknown>): Promise<ConditionSupport> {
  try {
    await putAgain();
    return 'ignored';
  } catch (error) {
    if (isTaken(error)) return 'supported';
    if (error instanceof Fault) return 'refused';
    throw error;
  }
}

async function faultOf(run: () => Promise<void>): Promise<Fault | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}
