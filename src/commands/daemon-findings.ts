// The part of `halfpipe check` that only a running daemon knows: what it has found out about its
// line.

import type { Settings } from '../config/settings.ts';
import { fetchSnapshot } from '../control/control-client.ts';
import { connectToInstance } from '../spool/instance-lock.ts';
import { slowLineText } from '../view/slow-line-text.ts';

import { type Finding, warns } from './finding.ts';

/**
 * Resolves with no findings if no daemon answers, because the configuration is not at fault then.
 */
export async function findingsOfDaemon({
  spool,
}: {
  readonly spool: Pick<Settings['spool'], 'path'>;
}): Promise<readonly Finding[]> {
  const link = await connectToInstance(spool.path)
    .then(fetchSnapshot)
    .then((snapshot) => snapshot.link)
    .catch(() => null);
  const text = link === null ? undefined : slowLineText(link);
  return text === undefined ? [] : [warns(text)];
}
