// The part of `halfpipe check` about the certificate of ingest.tls: whether it fits its key, and
// when it ends.
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { TlsFiles } from '../config/ingest-formats.ts';
import { type TlsPem, unusable } from '../ingest/tls-certificate.ts';
import { type Finding, fails, ok, warns } from './finding.ts';

const DAY_MS = 86_400_000;
/** Certificates are usually renewed 30 days before their end. */
const SOON_DAYS = 14;

/** Throws a Fault if what is in the files cannot be used. */
export function certificateFindings(files: TlsFiles, pem: TlsPem, nowMs: number): readonly Finding[] {
  try {
    return examine(files, chainIn(pem.certificate.toString('latin1')), createPrivateKey(pem.key), nowMs);
  } catch (error) {
    throw unusable(files, error);
  }
}

function chainIn(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function examine(
  files: TlsFiles,
  chain: readonly X509Certificate[],
  key: KeyObject,
  nowMs: number,
): readonly Finding[] {
  const [own] = chain;
  if (own === undefined) return [fails(`${files.certificate} has no certificate in PEM`)];
  if (!own.checkPrivateKey(key)) {
    const isLater = chain.some((certificate) => certificate.checkPrivateKey(key));
    return [
      fails(
        isLater
          ? `the first certificate in ${files.certificate} must be the server's own, and the others follow it`
          : `the key ${files.key} is not that of the certificate ${files.certificate}`,
      ),
    ];
  }
  const names = own.subjectAltName?.replaceAll(/\b(DNS|IP Address):/g, '') ?? own.subject;
  const until = new Date(own.validTo).toISOString().slice(0, 10);
  const findings = chain.flatMap((certificate) => validity(certificate, files.certificate, nowMs));
  return findings.length > 0
    ? findings
    : [ok(`the certificate for ${names} fits its key, and is valid until ${until}`)];
}

function validity(certificate: X509Certificate, file: string, nowMs: number): readonly Finding[] {
  const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const date = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10);
  const what = `the certificate of ${certificate.subject.replaceAll('\n', ', ')} in ${file}`;
  if (nowMs < fromMs) return [fails(`${what} is not valid before ${date(fromMs)}: is the clock right?`)];
  if (nowMs >= toMs) return [fails(`${what} expired on ${date(toMs)}: renew it, then reload halfpipe`)];
  const days = Math.floor((toMs - nowMs) / DAY_MS);
  if (days >= SOON_DAYS) return [];
  return [
    warns(`${what} expires in ${days === 1 ? '1 day' : `${days} days`}: renew it, then reload halfpipe`),
  ];
}
