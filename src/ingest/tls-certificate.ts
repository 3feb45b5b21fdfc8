// The certificate of the door and its key, read and tried out before they are used.
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsFiles } from '../config/ingest-formats.ts';
import { errnoOf, Fault } from '../system/fault.ts';
import { readNamedFile } from '../system/named-file.ts';

/** The content of both files. */
export interface TlsPem {
  readonly certificate: Buffer;
  readonly key: Buffer;
}

/** Rejects with a Fault that names the file. */
export async function tlsCertificate(files: TlsFiles): Promise<SecureContextOptions> {
  const { certificate, key } = await readPem(files);
  // RFC 9325, section 3.1.1.
  const context = { cert: certificate, key, minVersion: 'TLSv1.2' } as const;
  try {
    createSecureContext(context);
  } catch (cause) {
    throw unusable(files, cause);
  }
  return context;
}

/** Rejects with a Fault that names the file. */
export async function readPem({ certificate, key }: TlsFiles): Promise<TlsPem> {
  return { certificate: await pem(certificate), key: await pem(key) };
}

/** The files can be read, but not used. */
export function unusable({ certificate, key }: TlsFiles, cause: unknown): Fault {
  return fault(
    `${certificate} with ${key}`,
    reasonOf(cause),
    'Give a certificate and its own key, both in PEM, the key without a passphrase',
    cause,
  );
}

async function pem(file: string): Promise<Buffer> {
  try {
    return await readNamedFile(file);
  } catch (cause) {
    const hint =
      errnoOf(cause) === 'EACCES'
        ? `Let the service read it: chgrp halfpipe ${file}; chmod 0640 ${file}`
        : 'Set ingest.tls to the files of the certificate and its key';
    throw fault(file, reasonOf(cause), hint, cause);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
};

function reasonOf(error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return REASONS[errnoOf(error) ?? ''] ?? reason;
}

function fault(subject: string, reason: string, hint: string, cause: unknown): Fault {
  return new Fault('blocked', `cannot use ${subject} (ingest.tls): ${reason}`, {
    ...{ operation: 'read certificate', subject, hint, cause, isLocal: true },
  });
}
