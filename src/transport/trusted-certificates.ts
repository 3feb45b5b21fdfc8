// Decides which certificates of the endpoint are trusted, as the AWS CLI does: AWS_CA_BUNDLE, or
// `ca_bundle` of the profile, replaces the built-in ones. Certificates of NODE_EXTRA_CA_CERTS,
// which Node adds to its own, are added to either.
import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { loadConfig } from '@smithy/core/config';
import { errnoOf, Fault } from '../system/fault.ts';
import { readNamedFile } from '../system/named-file.ts';

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

interface Bundle {
  readonly file: string;
  /** The setting that names the file. */
  readonly setting: 'AWS_CA_BUNDLE' | 'ca_bundle' | 'NODE_EXTRA_CA_CERTS';
}

/**
 * Resolves with PEM text, or with undefined if no setting names a file. Rejects with a Fault that
 * names the file and the setting.
 */
export async function trustedCertificates(): Promise<string | undefined> {
  const bundle = await namedBundle();
  const extra = await extraBundle();
  if (bundle === undefined && extra === undefined) return undefined;
  // NODE_EXTRA_CA_CERTS is read here, because Node reads it before /etc/default/halfpipe is known,
  // and reports no error if it cannot. `default` includes the system's certificates if
  // NODE_USE_SYSTEM_CA asks for them.
  const usual = bundle === undefined ? tls.getCACertificates('default') : [];
  const files = [bundle, extra].filter((file) => file !== undefined);
  return [...usual, ...(await Promise.all(files.map(certificatesIn)))].join('\n');
}

/** The SDK's reader of environment and profile. It reads nothing before it is called. */
function configured(fromEnv: string, fromProfile?: string): () => Promise<string> {
  return loadConfig<string>({
    environmentVariableSelector: (env) => env[fromEnv] || undefined,
    configFileSelector: (profile) => (fromProfile === undefined ? undefined : profile[fromProfile]),
    default: '',
  });
}

async function namedBundle(): Promise<Bundle | undefined> {
  const fromEnv = await configured('AWS_CA_BUNDLE')();
  if (fromEnv !== '') return { file: fromEnv, setting: 'AWS_CA_BUNDLE' };
  const fromProfile = await configured('AWS_CA_BUNDLE', 'ca_bundle')();
  return fromProfile === '' ? undefined : { file: fromProfile, setting: 'ca_bundle' };
}

async function extraBundle(): Promise<Bundle | undefined> {
  const file = await configured('NODE_EXTRA_CA_CERTS')();
  return file === '' ? undefined : { file, setting: 'NODE_EXTRA_CA_CERTS' };
}

async function certificatesIn(bundle: Bundle): Promise<string> {
  let text: string;
  try {
    text = (await readNamedFile(bundle.file)).toString('utf8');
  } catch (cause) {
    throw unusableFault(
      bundle,
      `cannot be read: ${errnoOf(cause) ?? (cause instanceof Error ? cause.message : cause)}`,
      cause,
    );
  }
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw unusableFault(bundle, 'holds no certificate in PEM form');
  for (const [at, certificate] of certificates.entries()) check(bundle, at, certificate);
  return certificates.join('\n');
}

function check(bundle: Bundle, at: number, certificate: string): void {
  try {
    new X509Certificate(certificate);
  } catch (cause) {
    throw unusableFault(bundle, `is damaged: certificate ${at + 1} in it cannot be read`, cause);
  }
}

function unusableFault({ file, setting }: Bundle, what: string, cause?: unknown): Fault {
  const where = setting === 'ca_bundle' ? 'the AWS config file' : '/etc/default/halfpipe';
  const code = errnoOf(cause);
  return new Fault('breaker', `${file}, which ${setting} names, ${what}`, {
    operation: 'read the CA bundle',
    subject: file,
    hint: `Correct the file, or ${setting} in ${where}, then restart halfpipe.`,
    ...(cause === undefined ? {} : { cause }),
    ...(code === undefined ? {} : { code }),
  });
}
