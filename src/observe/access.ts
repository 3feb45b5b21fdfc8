// Which clients the listener lets in, by the config: the token is read here.
import type { Access } from '../http/routes.ts';
import { TokenGate } from '../http/token-gate.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { readNamedFile } from '../system/named-file.ts';
import type { ObserveOptions } from './observe-ports.ts';

/** Reads the token. Rejects with a Fault that names its file. */
export async function accessOf({
  hosts,
  tokenFile,
}: Pick<ObserveOptions, 'hosts' | 'tokenFile'>): Promise<Access> {
  const token = tokenFile === undefined ? undefined : new TokenGate(await readToken(tokenFile));
  return { hosts, hostsSetting: 'observe.hosts', token };
}

/** Characters that a Bearer token may have (RFC 6750, section 2.1), and no fewer than 16. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

async function readToken(file: string): Promise<string> {
  const fault = (reason: string, hint: string, cause?: unknown) =>
    new Fault('blocked', `cannot use the token in ${file} (observe.tokenFile): ${reason}`, {
      ...{ operation: 'read token', subject: file, hint, cause, isLocal: true },
    });
  const make = `Make one with openssl rand -hex 32 >${file}`;
  let token: string;
  try {
    token = (await readNamedFile(file)).toString('utf8').trim();
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOENT') throw fault('no such file', make, error);
    if (code === 'EACCES')
      throw fault(
        'permission denied',
        `Let the service read it: chgrp halfpipe ${file}; chmod 0640 ${file}`,
        error,
      );
    throw fault(error instanceof Error ? error.message : String(error), make, error);
  }
  if (TOKEN.test(token)) return token;
  throw fault('it is not 16 to 512 letters, digits and . _ ~ + / - on one line', make);
}

/** True if any client on the network is let in. */
export function isOpenToNetwork(
  { addresses }: { readonly addresses: readonly string[] },
  { token }: Pick<Access, 'token'>,
): boolean {
  return token === undefined && !addresses.every(isLoopback);
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
