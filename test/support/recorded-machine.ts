// Machines as their /sys/class/net, ip(8) and routing tables show them, written down: from the kernel's documentation,
// from public reports and from machines at hand. The tree is made on disk, and read by the code that reads the real one.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InterfaceTree } from '../../src/link/interface-tree.ts';
import { hopsOf, kindsOf } from '../../src/link/kernel.ts';
import type { Machine } from '../../src/link/machine.ts';
import { parseRoutes } from '../../src/link/route-tables.ts';

export interface RecordedInterface {
  /** Below /sys/devices; the usual slot of a card when it is left out. */
  readonly place?: string;
  readonly driver?: string;
  readonly bus?: string;
  /** Vendor and device of the PCI subsystem. */
  readonly board?: readonly [string, string];
  readonly type?: string;
  readonly hardwareType?: number;
  readonly index?: number;
  readonly linkedIndex?: number;
  /** In Mbit/s; `-1` as the kernel writes it; undefined: reading it fails. */
  readonly speed?: number;
  readonly carrier?: 0 | 1;
  readonly mtu?: number;
  readonly lower?: readonly string[];
  /** Folders that are merely there: `phy80211`, `device/physfn`. */
  readonly folders?: readonly string[];
}

export interface RecordedMachine {
  readonly interfaces: Readonly<Record<string, RecordedInterface>>;
  /** What `ip -d -j link show` printed; undefined: as if iproute2 were not there, only /sys speaks. */
  readonly links?: readonly Readonly<Record<string, unknown>>[];
  /** What `ip -j route get fibmatch ADDRESS` printed, by address. */
  readonly routes?: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  /** /proc/net/route without its head. */
  readonly table?: readonly string[];
  readonly pppoe?: readonly string[];
  /** By `bridge address`. */
  readonly ports?: Readonly<Record<string, string>>;
}

/** Of a card in a slot, or of a virtual interface where `type`, `lower` or the place says so. */
export function virtual(name: string, more: RecordedInterface = {}): RecordedInterface {
  return { place: `virtual/net/${name}`, ...more };
}

export class MachineOnDisk implements Machine {
  readonly root = mkdtempSync(join(tmpdir(), 'halfpipe-sys-'));
  readonly tree: InterfaceTree;
  #recorded: RecordedMachine;

  constructor(recorded: RecordedMachine) {
    this.#recorded = recorded;
    this.tree = new InterfaceTree(join(this.root, 'class/net'));
    for (const [at, [name, facts]] of Object.entries(recorded.interfaces).entries())
      this.#write(name, { index: at + 2, ...facts });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** From now on other routes, neighbours or tables. */
  change(recorded: Partial<RecordedMachine>): void {
    this.#recorded = { ...this.#recorded, ...recorded };
  }

  forget(): void {
    // Nothing is kept.
  }

  async routesTo(address: string) {
    return hopsOf(this.#recorded.routes?.[address] ?? []);
  }

  mainRoutes() {
    return parseRoutes((this.#recorded.table ?? []).join('\n'), '');
  }

  async kindOf(name: string) {
    return this.#recorded.links === undefined ? undefined : kindsOf(this.#recorded.links).get(name);
  }

  async portTowards(bridge: string, address: string) {
    return this.#recorded.ports?.[`${bridge} ${address}`];
  }

  pppoeDevices() {
    return this.#recorded.pppoe ?? [];
  }

  networkState(): string {
    return JSON.stringify(this.#recorded);
  }

  #write(name: string, facts: RecordedInterface & { index: number }): void {
    const place = join(this.root, 'devices', facts.place ?? `pci0000:00/0000:00:1f.6/net/${name}`);
    const file = (path: string, text: string | number) => {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      writeFileSync(join(place, path), `${text}\n`);
    };
    const link = (path: string, target: string) => {
      mkdirSync(dirname(join(place, path)), { recursive: true });
      symlinkSync(target, join(place, path));
    };
    file('ifindex', facts.index);
    file('iflink', facts.linkedIndex ?? facts.index);
    file('type', facts.hardwareType ?? 1);
    file('mtu', facts.mtu ?? 1_500);
    file('carrier', facts.carrier ?? 1);
    file('operstate', facts.carrier === 0 ? 'down' : 'up');
    file('uevent', `${facts.type === undefined ? '' : `DEVTYPE=${facts.type}\n`}INTERFACE=${name}`);
    if (facts.speed !== undefined) file('speed', facts.speed);
    for (const folder of facts.folders ?? []) file(`${folder}/there`, '');
    for (const lower of facts.lower ?? []) link(`lower_${lower}`, `../${lower}`);
    if (facts.driver !== undefined) link('device/driver', `../../bus/drivers/${facts.driver}`);
    if (facts.bus !== undefined) link('device/subsystem', `../../bus/${facts.bus}`);
    if (facts.board !== undefined) {
      file('device/subsystem_vendor', facts.board[0]);
      file('device/subsystem_device', facts.board[1]);
    }
    mkdirSync(join(this.root, 'class/net'), { recursive: true });
    symlinkSync(place, join(this.root, 'class/net', name));
  }
}
