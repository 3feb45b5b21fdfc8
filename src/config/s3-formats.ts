// What S3 accepts in names, metadata and tags, checked before the first request. Otherwise a
// store's answer to a bad value would stop the whole drain without naming the key in the config
// file.
import type { Format } from './formats.ts';

/** A bucket at any store; see isAwsBucketName() for AWS. */
export const bucketName: Format<string> = (value) => {
  if (value === null) throw new RangeError('is required: type the name of the bucket, such as my-bucket');
  if (typeof value === 'string' && (isAwsBucketName(value) || OTHER_BUCKET.test(value)) && !isAddress(value))
    return value;
  throw new RangeError(AWS_BUCKET_RULE);
};

export const AWS_BUCKET_RULE =
  'must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens, such as my-bucket';

/**
 * Allows underscores and capitals (Google, old buckets of us-east-1) and a tenant before a colon
 * (Ceph). Two dots in a row are refused, because they would leave the path.
 */
const OTHER_BUCKET = /^(?!.*\.\.)([A-Za-z0-9_$][A-Za-z0-9_.$-]{0,126})?:?[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;

/**
 * True for the name of a general purpose bucket ("Bucket naming rules" of the Amazon S3 User Guide)
 * or the ARN of an access point ("Using Amazon S3 access points"; also Outposts and Object Lambda).
 */
export function isAwsBucketName(name: string): boolean {
  if (isArn(name)) return /^arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:\d{12}:[A-Za-z0-9:/._-]+$/.test(name);
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..') && !isAddress(name);
}

function isArn(name: string): boolean {
  return name.startsWith('arn:');
}

function isAddress(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

/** The number of an AWS account. */
export const accountId: Format<string> = (value) => {
  // YAML reads digits as a number and would lose leading zeros.
  if (/^\d{12}$/.test(String(value))) return String(value);
  throw new RangeError("must be the 12 digits of an AWS account in quotes, such as '123456789012'");
};

/** Text in front of each key. A key has at most 1,024 bytes, so a prefix is shorter. */
export const keyPrefix: Format<string> = (value) => {
  if (typeof value !== 'string' || /\p{C}/u.test(value))
    throw new RangeError('must be text, such as camera-7/');
  if (value.startsWith('/')) {
    throw new RangeError(`must not begin with /: type ${value.replace(/^\/+/, '') || `''`}`);
  }
  if (value.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw new RangeError('must not contain . or .. as a folder, such as camera-7/');
  }
  if (Buffer.byteLength(value) > 512)
    throw new RangeError('must be at most 512 bytes long: keys end at 1,024');
  return value;
};

/** An http or https URL without user, password, query or fragment. Returned as written. */
export const endpointUrl: Format<string> = (value) => {
  const url =
    typeof value === 'string' && /^https?:\/\//i.test(value) && URL.canParse(value) ? new URL(value) : null;
  if (url === null) throw new RangeError('must be an http or https URL, such as https://s3.example.com:9000');
  if (url.username !== '' || url.password !== '') {
    throw new RangeError("must hold no user or password: credentials come from the AWS SDK's own chain");
  }
  if (url.search !== '' || url.hash !== '')
    throw new RangeError(`must end before ? and #: type ${url.origin}`);
  return String(value);
};

type Pairs = Readonly<Record<string, string>>;

/**
 * At most 2 KB of names and values together; see "Working with object metadata" in the S3 User
 * Guide.
 */
export const metadata: Format<Pairs> = (value) => {
  const pairs = textPairs(value, 'source: camera-7');
  for (const [name, content] of pairs) {
    if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
      throw new RangeError(
        `name ${quote(name)} must be lower-case letters, digits, dots, hyphens and underscores`,
      );
    }
    if (!/^(?! )[\x20-\x7e]*(?<! )$/.test(content)) {
      throw new RangeError(`value of ${quote(name)} must be printable ASCII without spaces at its ends`);
    }
  }
  const sizeBytes = pairs.reduce((sum, [name, content]) => sum + name.length + content.length, 0);
  if (sizeBytes > 2048) {
    throw new RangeError(
      `must be at most 2048 bytes of names and values together: shorten it by ${sizeBytes - 2048}`,
    );
  }
  return Object.fromEntries(pairs);
};

/** At most 10; see "Object tagging restrictions" in the S3 User Guide. */
export const tags: Format<Pairs> = (value) => {
  const pairs = textPairs(value, 'team: imaging');
  if (pairs.length > 10) throw new RangeError(`must be at most 10 tags: remove ${pairs.length - 10}`);
  for (const [name, content] of pairs) {
    if (!isTagText(name, 128) || name === '' || /^aws:/i.test(name)) {
      throw new RangeError(
        `name ${quote(name)} must be 1 to 128 letters, digits, spaces and + - = . _ : / @, not aws:…`,
      );
    }
    if (!isTagText(content, 256)) {
      throw new RangeError(
        `value of ${quote(name)} must be up to 256 letters, digits, spaces and + - = . _ : / @`,
      );
    }
  }
  return Object.fromEntries(pairs);
};

function isTagText(content: string, maxLength: number): boolean {
  return content.length <= maxLength && /^[\p{L}\p{N}\p{Zs}+\-=._:/@]*$/u.test(content);
}

/** A map in the file, `name=value,name=value` in the environment. */
function textPairs(value: unknown, example: string): readonly (readonly [string, string])[] {
  const raw =
    typeof value === 'string'
      ? value.split(',').map((pair) => /^\s*([^=]+)=(.*?)\s*$/.exec(pair)?.slice(1) ?? [])
      : value instanceof Map
        ? [...value]
        : [[]];
  return raw.map(([name, content]) => {
    if (typeof name !== 'string') {
      const form = typeof value === 'string' ? example.replace(': ', '=') : `{ ${example} }`;
      throw new RangeError(`must be names with values, such as ${form}`);
    }
    if (typeof content !== 'string')
      throw new RangeError(`value of ${quote(name)} must be text: put it in quotes`);
    return [name, content] as const;
  });
}

function quote(name: string): string {
  return JSON.stringify(name);
}
