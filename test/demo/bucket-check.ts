// Compares the bucket with the images, through the front door: a listing asked from the server with the real SDK.
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';

export interface BucketAccess {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** How many of the expected objects are in the bucket with the expected MD5, by key. */
export async function countMatches(
  access: BucketAccess,
  expected: ReadonlyMap<string, string>,
): Promise<number> {
  const { endpoint, bucket, ...credentials } = access;
  const client = new S3Client({
    endpoint,
    credentials,
    region: 'us-east-1',
    forcePathStyle: true,
  });
  try {
    let matches = 0;
    let token: string | undefined;
    do {
      const request = {
        Bucket: bucket,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      };
      const page = await client.send(new ListObjectsV2Command(request));
      for (const { Key = '', ETag } of page.Contents ?? []) {
        if (expected.has(Key) && ETag === `"${expected.get(Key)}"`) matches += 1;
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return matches;
  } finally {
    client.destroy();
  }
}
