// The part of `halfpipe check` about observe.listen: whether the service could listen there, and
// which clients it would let in.
import type { Settings } from '../config/settings.ts';
import { accessOf, isOpenToNetwork } from '../observe/access.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { asServiceUser } from './as-service-user.ts';
import { type Finding, ok, warns } from './finding.ts';
import { tryPort } from './port-trial.ts';

/** systemd makes a unit's credentials at its start, and removes them at its end. */
const CREDENTIALS = '/run/credentials/';

/** Finds nothing if the listener is off. Rejects with a Fault if the service could not open it. */
export async function examineObserve({ observe, spool, service }: Settings): Promise<readonly Finding[]> {
  const { listen, tokenFile } = observe;
  if (listen === undefined) return [];
  const at = { ...listen, setting: 'observe.listen' };
  const health = (address: string) => new URL(`http://${address}/healthz`);
  const addresses = await asServiceUser(spool.path, service, () => tryPort(at, health));
  const where = addresses.map((address) => `http://${address}`).join(' and ');
  try {
    const access = await asServiceUser(spool.path, service, () => accessOf(observe));
    if (isOpenToNetwork(listen, access))
      return [warns(`${where}: every client on the network may read it: set observe.tokenFile`)];
    return [ok(`${where}: ${access.token === undefined ? 'for this machine alone' : 'with the token'}`)];
  } catch (error) {
    const isMissing = error instanceof Fault && errnoOf(error.cause) === 'ENOENT';
    if (isMissing && tokenFile?.startsWith(CREDENTIALS))
      return [ok(`${where}: systemd hands over the token when the service starts`)];
    throw error;
  }
}
