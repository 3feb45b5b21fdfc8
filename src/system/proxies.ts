// Which proxy a URL is reached through, by the variables that every program reads (curl's and the
// AWS CLI's meaning). Pure: the environment is an argument.
import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * What the environment says of proxies. URLs may hold a password: never shown, see `shownProxy`.
 */
export interface Proxies {
  readonly http: ProxySetting | undefined;
  readonly https: ProxySetting | undefined;
  /** As in NO_PROXY: hosts that are reached without one. */
  readonly none: string;
}

export interface ProxySetting {
  readonly url: string;
  /** The variable that names it. */
  readonly variable: string;
}

/** Where a request goes. IPv6 addresses may have their brackets. */
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

/** The proxy in front of the target; undefined when it is reached directly. */
export function proxyFor({ http, https, none }: Proxies, target: ProxyTarget): ProxySetting | undefined {
  const proxy = target.protocol === 'http:' ? http : https;
  return proxy === undefined || isExempt(none, target) ? undefined : proxy;
}

/** Without user and password. */
export function shownProxy({ url }: Pick<ProxySetting, 'url'>): string {
  return new URL(url).origin;
}

/**
 * User and password; undefined where the URL names no user. A `%` that begins no escape stands for
 * itself, as in curl.
 */
export function proxyLogin({ url }: Pick<ProxySetting, 'url'>): string | undefined {
  const { username, password } = new URL(url);
  return username === '' && password === '' ? undefined : `${unescaped(username)}:${unescaped(password)}`;
}

/** The passwords of all proxies, as they are typed and as they are meant: to be shown nowhere. */
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
      // Not of UTF-8.
      return escapes;
    }
  });
}

/** The text for people, at the start and in `halfpipe check`. */
export function throughProxy(proxy: ProxySetting): string {
  return `requests go through the proxy ${shownProxy(proxy)} (${proxy.variable})`;
}

/** Host, without brackets, and port of the proxy itself. */
export function proxyAddress({ url }: Pick<ProxySetting, 'url'>): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(url);
  return { host: bare(hostname), port: port === '' ? defaultPort(protocol) : Number(port) };
}

function setting(env: Readonly<Record<string, string | undefined>>, name: string): ProxySetting | undefined {
  const variable = env[name] ? name : name.toUpperCase();
  const value = env[variable]?.trim();
  if (value === undefined || value === '') return undefined;
  // As curl and the AWS CLI: without a scheme it is http.
  const url = value.includes('://') ? value : `http://${value}`;
  if (!URL.canParse(url)) throw new RangeError(`${variable} is no URL: type http://proxy.example.com:3128`);
  const { protocol } = new URL(url);
  if (protocol === 'http:' || protocol === 'https:') return { url, variable };
  throw new RangeError(
    `${variable} names a ${protocol.slice(0, -1)} proxy: halfpipe goes through http:// and https:// proxies`,
  );
}

/**
 * Entries are names (with all that is below them), addresses or networks, with or without a port;
 * `*` is everything.
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
