// What a failed connection means, by Node's codes and our own for proxies and time-outs. Data only;
// classify reads it.
import { BROKEN, breaker, type FailureKind, transient } from './failure-kinds.ts';

const TLS = breaker(
  'The certificate of the endpoint is not trusted: name the file of its CA in /etc/default/halfpipe ' +
    '(AWS_CA_BUNDLE=FILE, or NODE_EXTRA_CA_CERTS=FILE in addition to the usual ones), then restart halfpipe; or correct s3.endpoint.',
);
const NO_TLS = breaker(
  'The endpoint does not speak TLS on this port: write http:// in s3.endpoint, or correct its port.',
);
const DNS = transient('The name of the endpoint cannot be resolved: check s3.endpoint and the name server.');
const NAME_SERVER = transient(
  'The name server does not answer: check the network and the name servers (resolvectl status, or /etc/resolv.conf).',
);
const UNREACHABLE = transient(
  'The endpoint cannot be reached: check s3.endpoint, the network and any firewall.',
);
const PROXY_AWAY = transient(
  'Check the proxy, and its URL in /etc/default/halfpipe; after a change there, restart halfpipe.',
);

/** Keyed by the code of Node's error. */
export const KINDS_BY_CODE: Readonly<Record<string, FailureKind>> = {
  ENOTFOUND: DNS,
  EAI_AGAIN: NAME_SERVER,
  ERR_NAME_TIMEOUT: NAME_SERVER,
  ERR_CONNECT_TIMEOUT: UNREACHABLE,
  EAI_FAIL: DNS,
  EAI_NODATA: DNS,
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  ENETRESET: UNREACHABLE,
  ENOBUFS: UNREACHABLE,
  ENOTCONN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ECONNRESET: BROKEN,
  ECONNABORTED: BROKEN,
  EPIPE: BROKEN,
  ERR_PROXY_AUTH: breaker(
    'Write them into the URL of that variable (http://USER:PASSWORD@HOST:PORT) in /etc/default/halfpipe, then restart halfpipe.',
  ),
  ERR_PROXY_REFUSED: breaker(
    'Allow this machine to reach the endpoint at the proxy, or bypass the proxy for the endpoint: set NO_PROXY in /etc/default/halfpipe, then restart halfpipe.',
  ),
  ERR_PROXY_UPSTREAM: transient(
    'The proxy works, but the way from it to the store does not: check s3.endpoint and the proxy.',
  ),
  ERR_PROXY_SILENT: PROXY_AWAY,
  ERR_PROXY_UNREACHABLE: PROXY_AWAY,
  EMFILE: transient('Too many files are open: raise LimitNOFILE or lower upload.maxConcurrency.'),
  ENFILE: transient('Too many files are open on this machine.'),
  CERT_NOT_YET_VALID: breaker(
    "This machine's clock is behind, or the certificate of the endpoint is not valid yet: set the clock (timedatectl set-ntp true).",
  ),
  CERT_HAS_EXPIRED: breaker(
    "The certificate of the endpoint has expired: renew it at the server. If it has not, this machine's clock runs ahead: set it (timedatectl set-ntp true).",
  ),
  EPROTO: NO_TLS,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/**
 * Every code of a failed connect means this: a local firewall causes EPERM or EACCES, which mean
 * something else for a file.
 */
export const CONNECT_KIND = UNREACHABLE;
/** How Node's codes for a failed TLS handshake or certificate begin. */
export const TLS_CODE =
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH)/;
export const TLS_KIND = TLS;
