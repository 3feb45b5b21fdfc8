// The part of `halfpipe check` about observe.listen: whether the service could listen there, and
// which clients it would let in.
import type { Settings } from '../config/settings.ts';
import { HttpServer } from '../http/http-server.ts';
import { accessOf, isOpenToNetwork } from '../observe/access.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { asServiceUser } from './as-service-user.ts';
import { type Finding, ok, warns } from './finding.ts';

/** systemd makes a unit's credentials at its start, and removes them at its end. */
const CREDENTIALS = '/run/credentials/';

/** Finds nothing if the listener is off. Rejects with a Fault if the service could not open it. */
export async function examineObserve({ observe, spool, service }: Settings): Promise<readonly Finding[]> {
  const { listen, tokenFile } = observe;
  if (listen === undefined) return [];
  const urls = await asServiceUser(spool.path, service, () => tryOut(listen));
  const where = urls.join(' and ');
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

/** Returns where it would listen, or where the running halfpipe does. */
async function tryOut(listen: NonNullable<Settings['observe']['listen']>): Promise<readonly string[]> {
  const server = new HttpServer(
    systemClock,
    (_, response) => response.end(),
    () => undefined,
  );
  try {
    await server.listen({ ...listen, setting: 'observe.listen' });
    return server.urls;
  } catch (error) {
    const url = `http://${error instanceof Fault ? error.subject : ''}`;
    if (errnoOf(error) === 'EADDRINUSE' && (await isHalfpipe(url))) return [url];
    throw error;
  } finally {
    await server.close();
  }
}

async function isHalfpipe(url: string): Promise<boolean> {
  try {
    const { headers } = await fetch(`${url}/healthz`);
    return headers.get('server') === 'halfpipe';
  } catch {
    // It speaks no HTTP.
    return false;
  }
}
