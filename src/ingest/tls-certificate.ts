// The certificate of the door and its key, read and tried out before they are used.
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { TlsFiles } from '../config/ingest-formats.ts';
import { errnoOf, Fault } from '../system/fault.ts';

/** Rejects with a Fault that names the file. */
export async function tlsCertificate({ certificate, key }: TlsFiles): Promise<SecureContextOptions> {
  const context = {
    cert: await pem(certificate),
    key: await pem(key),
    // RFC 9325, section 3.1.1.
    minVersion: 'TLSv1.2',
  } as const;
  try {
    createSecureContext(context);
  } catch (cause) {
    throw fault(
      `${certificate} with ${key}`,
      reasonOf(cause),
      'Give a certificate and its own key, both in PEM',
      cause,
    );
  }
  return context;
}

async function pem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw fault(
      file,
      reasonOf(cause),
      `Let the service read it: chgrp halfpipe ${file}; chmod 0640 ${file}`,
      cause,
    );
  }
}

function reasonOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.message : String(error));
}

function fault(subject: string, reason: string, hint: string, cause: unknown): Fault {
  return new Fault('blocked', `cannot use ${subject} (ingest.tls): ${reason}`, {
    ...{ operation: 'read certificate', subject, hint, cause, isLocal: true },
  });
}
