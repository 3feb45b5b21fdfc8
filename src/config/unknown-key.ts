// What to say about a key that is not an option: which option was probably meant, and where
// credentials belong. The value is never shown, because it may be a secret.

const SECRET = /secret|access_?key|password|passwd|token|credential|profile/i;

/** One line that completes a message which names the unknown key. `known` is not empty. */
export function explainUnknownKey(key: string, known: Iterable<string>): string {
  if (SECRET.test(key)) {
    return "is not an option: credentials come from the AWS SDK's own chain (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, ~/.aws/credentials, an instance role)";
  }
  const candidates = [...known].map((name) => ({ name, distance: distance(key, name) }));
  const nearest = candidates.reduce((best, next) => (next.distance < best.distance ? next : best));
  const near = nearest.distance <= Math.max(2, key.length / 3);
  return near
    ? `is not an option: did you mean ${nearest.name}?`
    : 'is not an option: remove it, or see config/halfpipe.yaml for all options';
}

/**
 * The number of edits from one key to the other, ignoring case. The right name in a wrong place is
 * one edit away.
 */
function distance(key: string, name: string): number {
  const typed = key.toLowerCase();
  const wanted = name.toLowerCase();
  return Math.min(editDistance(typed, wanted), 1 + editDistance(lastWord(typed), lastWord(wanted)));
}

function lastWord(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

/** The Levenshtein distance: insertions, deletions and substitutions, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
