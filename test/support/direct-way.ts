// The way out of a test: no proxy, and the certificates that Node trusts by itself.

import { NO_PROXIES } from '../../src/system/proxies.ts';
import type { WayOutOptions } from '../../src/transport/way-out.ts';

export const DIRECT: WayOutOptions = { proxies: NO_PROXIES, trustedCertificates: undefined };
