// The way out of a test: no proxy, and the certificates that Node trusts by itself.
import type { WayOutOptions } from '../../src/sending/way-out.ts';
import { NO_PROXIES } from '../../src/system/proxies.ts';

export const DIRECT: WayOutOptions = { proxies: NO_PROXIES, trustedCertificates: undefined };
