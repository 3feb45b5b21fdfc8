// What to say about a key that is not an option: which option was probably meant, and where
// credentials belong. The value is never shown, because it may be a secret.
import { nearest } from '../system/nearest.ts';

const SECRET = /secret|access_?key|password|passwd|token|credential|profile/i;

/** One line that completes a message which names the unknown key. `known` is not empty. */
export function explainUnknownKey(key: string, known: Iterable<string>): string {
  if (SECRET.test(key)) {
    return "is not an option: credentials come from the AWS SDK's own chain (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials, an instance role)";
  }
  const meant = nearest(key, known);
  return meant === undefined
    ? 'is not an option: remove it, or see halfpipe.yaml(5) for all options'
    : `is not an option: did you mean ${meant}?`;
}
