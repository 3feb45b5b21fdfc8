// The tiny objects of halfpipe's own in a bucket. A kill between the put and the delete leaves one behind, and so does a stray
// request; the judges look for files.
import { OWN_OBJECT } from '../../src/store/s3/folder-trial.ts';

export function isOwnObject(key: string): boolean {
  const name = key.slice(key.lastIndexOf('/') + 1);
  return name === OWN_OBJECT || /^\.halfpipe-check-[0-9a-f]{16}/.test(name);
}
