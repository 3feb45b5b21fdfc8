// Three hosts in network namespaces: `near` sends over a shaped link to `far`, where the S3 server is; behind
// `far` is `sink`, where cross traffic ends, so that a counter of its own tells how much of it came through.
//   near up0 ──(tbf: the link)──▶ far0 far far1 ──▶ sink0 sink
// Where it is asked for, `lan` is a host of producers beside `near`, not behind the link.
// What start() makes, stop() removes, whatever happens in between; the names are unique to the run.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { isOrphan, runTag } from './run-tag.ts';

export type Host = 'near' | 'far' | 'sink' | 'lan';
const HOSTS: readonly Host[] = ['near', 'far', 'sink'];
const ALL_HOSTS: readonly Host[] = [...HOSTS, 'lan'];

export const LINK_INTERFACE = 'up0';
/** Its transmit counter is what arrived of the cross traffic. */
export const SINK_SIDE_INTERFACE = 'far1';
export const FAR_ADDRESS = '10.77.0.1';
export const FAR_ADDRESS_V6 = 'fd77::1';
export const SINK_ADDRESS = '10.78.0.2';
/** Of `near`, for hosts beside it: see addLan(). */
export const LAN_ADDRESS = '10.76.0.1';

let testbeds = 0;

/** Says in whole sentences what keeps the testbed from running here; empty when nothing does. */
export function missingForTestbed(commands: readonly string[] = []): string[] {
  const packages: Record<string, string> = { ip: 'iproute2', tc: 'iproute2' };
  const lacking = ['ip', 'tc', ...commands].filter((command) => !onPath(command));
  const reasons: string[] = [];
  if (process.getuid?.() !== 0) reasons.push('Network namespaces need root: run it with sudo.');
  if (lacking.length > 0) {
    const install = [...new Set(lacking.map((command) => packages[command] ?? command))].join(' ');
    reasons.push(`Not installed: ${lacking.join(', ')}. Debian and Ubuntu: apt-get install ${install}`);
  }
  return reasons;
}

/** True when a command of that name can be run from here. */
export function onPath(command: string): boolean {
  const folders = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/sbin');
  return folders.some((folder) => folder !== '' && existsSync(`${folder}/${command}`));
}

export class LinkTestbed {
  readonly #prefix: string;
  readonly #undoings: (() => void)[] = [];
  readonly #onExit = (): void => this.stop();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.stop();
    process.kill(process.pid, signal);
  };

  constructor() {
    testbeds += 1;
    this.#prefix = `${runTag()}-${testbeds}`;
  }

  /** Builds the hosts and the link, after removing what crashed runs left. Throws an Error that names the command. */
  start(rateMbitPerSec: number): void {
    removeOrphans();
    process.once('exit', this.#onExit);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, this.#onSignal);
    const [near, far, sink] = [this.namespace('near'), this.namespace('far'), this.namespace('sink')];
    for (const host of HOSTS) ip('netns', 'add', this.namespace(host));
    ip('link', 'add', 'up0', 'netns', near, 'type', 'veth', 'peer', 'name', 'far0', 'netns', far);
    ip('link', 'add', 'far1', 'netns', far, 'type', 'veth', 'peer', 'name', 'sink0', 'netns', sink);
    for (const [namespace, name, address] of [
      [near, 'up0', '10.77.0.2/24'],
      [near, 'up0', 'fd77::2/64'],
      [far, 'far0', `${FAR_ADDRESS}/24`],
      [far, 'far0', `${FAR_ADDRESS_V6}/64`],
      [far, 'far1', '10.78.0.1/24'],
      [sink, 'sink0', `${SINK_ADDRESS}/24`],
    ] as const) {
      // without duplicate address detection an IPv6 address can be used at once
      ip('-n', namespace, 'addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
      for (const link of [name, 'lo']) ip('-n', namespace, 'link', 'set', link, 'up');
    }
    // one frame a packet, so that the counter sees every frame's headers, as a card's own counter does
    ip('-n', near, 'link', 'set', LINK_INTERFACE, 'gso_max_segs', '1');
    ip('-n', near, 'route', 'add', 'default', 'via', FAR_ADDRESS);
    ip('-n', sink, 'route', 'add', 'default', 'via', '10.78.0.1');
    this.run('far', 'sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
    this.setRate(rateMbitPerSec);
  }

  /**
   * Adds the host `lan` beside `near`, on a network of its own that is no part of the link: where
   * producers are. May be called twice.
   */
  addLan(): void {
    const [near, lan] = [this.namespace('near'), this.namespace('lan')];
    if (existsSync(`/run/netns/${lan}`)) return;
    ip('netns', 'add', lan);
    ip('link', 'add', 'lan0', 'netns', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', lan);
    for (const [namespace, name, address] of [
      [near, 'lan0', `${LAN_ADDRESS}/24`],
      [lan, 'eth0', '10.76.0.2/24'],
    ] as const) {
      ip('-n', namespace, 'addr', 'add', address, 'dev', name);
      ip('-n', namespace, 'link', 'set', name, 'up');
    }
  }

  /** The link's true capacity from now on: a token bucket on its egress, see tc-tbf(8). */
  setRate(rateMbitPerSec: number, latencyMs = 50): void {
    // more than 16 KB at once would be half a second of a slow line
    const burst = rateMbitPerSec < 5 ? '16kb' : '64kb';
    const shape = ['rate', `${rateMbitPerSec * 1000}kbit`, 'burst', burst, 'latency', `${latencyMs}ms`];
    this.run('near', 'tc', ['qdisc', 'replace', 'dev', LINK_INTERFACE, 'root', 'tbf', ...shape]);
  }

  /** Ends every process inside and removes the hosts. May be called twice. */
  stop(): void {
    process.off('exit', this.#onExit);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#onSignal);
    removeNamespaces(ALL_HOSTS.map((host) => this.namespace(host)));
    for (const undo of this.#undoings.splice(0)) undo();
  }

  /** Runs `undo` when the hosts are gone, also when a signal ends this process: for folders that go with them. */
  atStop(undo: () => void): void {
    this.#undoings.push(undo);
  }

  namespace(host: Host): string {
    return `${this.#prefix}-${host}`;
  }

  /** Starts a command inside a host; the process that runs has the child's own pid. */
  spawn(host: Host, command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.namespace(host), command, ...args], options);
  }

  /** Runs a command inside a host to its end and returns what it printed; throws an Error with what it complained of. */
  run(host: Host, command: string, args: readonly string[]): string {
    return ip('netns', 'exec', this.namespace(host), command, ...args);
  }
}

function ip(...args: string[]): string {
  const result = spawnSync('ip', args, { encoding: 'utf8' });
  if (result.status === 0) return result.stdout;
  throw new Error(`ip ${args.join(' ')}: ${result.error?.message ?? result.stderr.trim()}`);
}

function removeOrphans(): void {
  // where iproute2 keeps its names, see ip-netns(8)
  if (existsSync('/run/netns')) removeNamespaces(readdirSync('/run/netns').filter(isOrphan));
}

function removeNamespaces(namespaces: readonly string[]): void {
  for (const namespace of namespaces) {
    if (!existsSync(`/run/netns/${namespace}`)) continue;
    const pids = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' }).stdout.split('\n');
    // a host that is taken away needs no goodbye
    for (const pid of pids.filter((line) => line !== '')) spawnSync('kill', ['-KILL', pid]);
    spawnSync('ip', ['netns', 'del', namespace]);
  }
}
