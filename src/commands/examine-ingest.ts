// The part of `halfpipe check` about files over HTTP: whether the service could take them there,
// with which certificate, and from which producers.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TlsFiles } from '../config/ingest-formats.ts';
import type { IngestListen } from '../config/listen-format.ts';
import type { Settings } from '../config/settings.ts';
import { INGEST_LISTEN } from '../ingest/ingest-options.ts';
import { readPem } from '../ingest/tls-certificate.ts';
import { systemClock } from '../system/clock.ts';
import { errnoOf, explain, Fault } from '../system/fault.ts';
import { asServiceUser } from './as-service-user.ts';
import { certificateFindings } from './examine-certificate.ts';
import { examineSocket } from './examine-socket.ts';
import { examineTokens } from './examine-tokens.ts';
import { type Finding, fails, ok, warns } from './finding.ts';
import { tryPath, tryPort } from './port-trial.ts';
import { askUnit, isMadeBySystemd, sandboxFindings } from './sandbox.ts';

/** systemd makes a unit's credentials at its start, and removes them at its end. */
const CREDENTIALS = '/run/credentials/';

/** Finds nothing if no files are taken over HTTP. */
export async function examineIngest(settings: Settings): Promise<readonly Finding[]> {
  const { listen, tls, tokensFile } = settings.ingest;
  if (listen === undefined || tokensFile === undefined) return [];
  const nowMs = systemClock.wallMs();
  const examinations = [
    () => examinePlace(listen, settings),
    ...(tls === undefined ? [] : [() => examineCertificate(tls, settings, nowMs)]),
    () => examineTokens(tokensFile, settings, nowMs),
  ];
  const findings: Finding[] = [];
  // One after the other, because each changes the user of the process.
  for (const examine of examinations)
    findings.push(...(await examine().catch((error: unknown) => [fails(explain(error))])));
  return findings;
}

async function examinePlace(listen: IngestListen, settings: Settings): Promise<readonly Finding[]> {
  const { spool, service, ingest } = settings;
  const scheme = ingest.tls === undefined ? 'http' : 'https';
  const health = (address: string) => new URL(`${scheme}://${address}/v1/healthz`);
  if (listen.kind === 'systemd') {
    const { finding, addresses } = await examineSocket(service);
    const ofTcp = addresses.filter((address) => !address.startsWith('/'));
    return [finding, ...plainTextFindings(ofTcp, ingest.tls)];
  }
  if (listen.kind === 'unix') return examinePath(listen.path, settings, health('localhost'));
  const at = { ...listen, ...INGEST_LISTEN };
  const addresses = await asServiceUser(spool.path, service, () => tryPort(at, health));
  const urls = addresses.map((address) => `${scheme}://${address}`);
  return [ok(`files are taken at ${urls.join(' and ')}`), ...plainTextFindings(addresses, ingest.tls)];
}

async function examinePath(
  path: string,
  { spool, service }: Settings,
  health: URL,
): Promise<readonly Finding[]> {
  const folder = dirname(path);
  const unit = service.user === undefined ? undefined : await askUnit(service.unit);
  const hidden = unit === undefined ? [] : sandboxFindings(folder, service.unit, unit);
  if (hidden.length > 0) return hidden;
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (stats === undefined && unit !== undefined && isMadeBySystemd(folder, unit))
    return [ok(`files are taken at ${path}: systemd makes the folder when the service starts`)];
  await asServiceUser(spool.path, service, () => tryPath(path, health));
  // A client needs the right to enter the folder.
  const isPrivate = ((stats?.mode ?? 0) & 0o011) === 0;
  return [
    ok(`files are taken at ${path}`),
    ...(isPrivate ? [warns(`other users cannot reach ${path}: chmod 0711 ${folder} lets them`)] : []),
  ];
}

/** `addresses` are those of TCP. */
function plainTextFindings(addresses: readonly string[], tls: TlsFiles | undefined): readonly Finding[] {
  const open = addresses.filter((address) => !/^(127\.|\[::1\])/.test(address));
  if (tls !== undefined || open.length === 0) return [];
  return [
    warns(
      `tokens and files cross the network unencrypted to ${open.join(' and ')}: set ingest.tls, or listen on this machine alone behind a proxy with TLS`,
    ),
  ];
}

async function examineCertificate(
  files: TlsFiles,
  { spool, service }: Settings,
  nowMs: number,
): Promise<readonly Finding[]> {
  try {
    const pem = await asServiceUser(spool.path, service, () => readPem(files));
    return certificateFindings(files, pem, nowMs);
  } catch (error) {
    const isOfUnit = [files.certificate, files.key].some((file) => file.startsWith(CREDENTIALS));
    const isMissing = error instanceof Fault && errnoOf(error.cause) === 'ENOENT';
    if (isMissing && isOfUnit)
      return [ok('systemd hands over the certificate and its key when the service starts')];
    throw error;
  }
}
