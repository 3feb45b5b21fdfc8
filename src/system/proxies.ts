// Decides through which proxy a URL is reached, by the variables that every program reads, with the
// meaning of curl and the AWS CLI. Pure functions: the environment is an argument.
import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * What the environment says about proxies. A URL may hold a password; never show it, use
 * shownProxy().
 */
export interface Proxies {
  readonly http: ProxySetting | undefined;
  readonly https: ProxySetting | undefined;
  /** Hosts that are reached without a proxy, written as in NO_PROXY. */
  readonly none: string;
}

export interface ProxySetting {
  readonly url: string;
  /** The variable that names it. */
  readonly variable: string;
}

/** Where a request goes. An IPv6 address may have brackets. */
export interface ProxyTarget {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
}

export const NO_PROXIES: Proxies = { http: undefined, https: undefined, none: '' };

/** Throws RangeError, which names the variable, for a proxy that no request could go through. */
export function readProxies(env: Readonly<Record<string, string | undefined>>): Proxies {
  const any = setting(env, 'all_proxy');
  return {
    http: setting(env, 'http_proxy') ?? any,
    https: setting(env, 'https_proxy') ?? any,
    none: env.no_proxy || env.NO_PROXY || '',
  };
}

/** The proxy for the target; undefined if it is reached directly. */
export function proxyFor({ http, https, none }: Proxies, target: ProxyTarget): ProxySetting | undefined {
  const proxy = target.protocol === 'http:' ? http : https;
  return proxy === undefined || isExempt(none, target) ? undefined : proxy;
}

/** The URL without user and password. */
export function shownProxy({ url }: Pick<ProxySetting, 'url'>): string {
  return new URL(url).origin;
}

/**
 * User and password; undefined if the URL names no user. A `%` that does not begin an escape stands
 * for itself, as in curl.
 */
export function proxyLogin({ url }: Pick<ProxySetting, 'url'>): string | undefined {
  const { username, password } = new URL(url);
  return username === '' && password === '' ? undefined : `${unescaped(username)}:${unescaped(password)}`;
}

/** The passwords of all proxies, as written and as decoded. They must not be shown anywhere. */
export function proxyPasswords(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const values = Object.entries(env).filter(([name]) => /^(https?|all)_proxy$/i.test(name));
  return values.flatMap(([, value = '']) => {
    const withoutScheme = value.trim().replace(/^[^/:]*:\/\//, '');
    const [, password = ''] = /^[^:]*:(.*)@/s.exec(withoutScheme) ?? [];
    return password === '' ? [] : [password, unescaped(password)];
  });
}

function unescaped(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      // The escapes are not UTF-8.
      return escapes;
    }
  });
}

/** The text for the log at startup and for `halfpipe check`. */
export function throughProxy(proxy: ProxySetting): string {
  return `requests go through the proxy ${shownProxy(proxy)} (${proxy.variable})`;
}

/** The host (without brackets) and the port of the proxy itself. */
export function proxyAddress({ url }: Pick<ProxySetting, 'url'>): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: bare(hostname), port: port === '' ? defaultPort(protocol) : Number(port) };
}

function setting(env: Readonly<Record<string, string | undefined>>, name: string): ProxySetting | undefined {
  const variable = env[name] ? name : name.toUpperCase();
  const value = env[variable]?.trim();
  if (value === undefined || value === '') return undefined;
  // A URL without a scheme is http, as in curl and the AWS CLI.
  const url = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(url))
    throw new RangeError(`${variable} is not a URL: write http://proxy.example.com:3128`);
  const { protocol } = new URL(url);
  if (protocol === 'http:' || protocol === 'https:') return { url, variable };
  throw new RangeError(
    `${variable} names a ${protocol.slice(0, -1)} proxy: halfpipe supports http:// and https:// proxies`,
  );
}

/**
 * Entries are names (including all names below them), addresses or networks, with or without a
 * port. `*` means everything.
 */
function isExempt(none: string, { protocol, host, port }: ProxyTarget): boolean {
  const name = bare(host).toLowerCase();
  const wanted = port || defaultPort(protocol);
  return none
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && covers(entry, name, wanted));
}

function covers(entry: string, name: string, port: number): boolean {
  if (entry === '*') return true;
  if (isIP(name) !== 0) return coversAddress(entry, name, port);
  const [, pattern = entry, onlyPort] = /^(.+):(\d+)$/.exec(entry) ?? [];
  if (onlyPort !== undefined && Number(onlyPort) !== port) return false;
  const domain = pattern.replace(/^\*?\./, '');
  return name === domain || name.endsWith(`.${domain}`);
}

function coversAddress(entry: string, address: string, port: number): boolean {
  if (bare(entry) === address) return true;
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const [, network = '', bits] = /^(.+)\/(\d+)$/.exec(entry) ?? [];
  if (
    isIP(network) !== 0 &&
    isIPv6(network) === isIPv6(address) &&
    Number(bits) <= (isIPv6(network) ? 128 : 32)
  ) {
    const list = new BlockList();
    list.addSubnet(network, Number(bits), family);
    return list.check(address, family);
  }
  const [, host = '', onlyPort] = /^(.+):(\d+)$/.exec(entry) ?? [];
  return bare(host) === address && Number(onlyPort) === port;
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function defaultPort(protocol: string): number {
  return protocol === 'http:' ? 80 : 443;
}
