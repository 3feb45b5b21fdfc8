// Reads what the kernel shows about a network interface below /sys/class/net. Each fact is one
// small read of about 20 µs.
import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { errnoOf } from '../system/fault.ts';

export const SYS_CLASS_NET = '/sys/class/net';

export interface InterfaceFacts {
  readonly name: string;
  /** Changes when an interface is removed and created again under the same name. */
  readonly index: number;
  /**
   * The index of the interface that it is stacked on, or of the other end of a veth; else its own
   * index.
   */
  readonly linkedIndex: number;
  /** True without hardware of its own: it is below /sys/devices/virtual. */
  readonly isVirtual: boolean;
  /** ARPHRD_… in if_arp.h. */
  readonly hardwareType: number;
  /** The driver's word for this kind: `bridge`, `vlan`, `wlan`, `wwan`, `vxlan`, `ppp`. */
  readonly deviceType: string | undefined;
  readonly driver: string | undefined;
  /** `pci`, `usb`, `virtio`, `vmbus`, `xen`, `platform`. */
  readonly bus: string | undefined;
  /** On PCI, the maker and the board: `0x1af4:0x1100`. */
  readonly board: string | undefined;
  /** A share of a card that the hypervisor or the host gives out (SR-IOV). */
  readonly isVirtualFunction: boolean;
  readonly isWireless: boolean;
  readonly mtuBytes: number;
  readonly hasCarrier: boolean;
  /** What the driver reports; undefined while it reports nothing. */
  readonly speedBitsPerSec: number | undefined;
  /** The interfaces it is stacked on: a VLAN's card, a bond's cards, a bridge's ports. */
  readonly lower: readonly string[];
}

/**
 * The tree of interfaces. Its root folder is a parameter, so that tests can read the trees of other
 * machines. Reads are synchronous; a missing fact is undefined, and nothing throws for it.
 */
export class InterfaceTree {
  readonly #root: string;

  constructor(root = SYS_CLASS_NET) {
    this.#root = root;
  }

  /** False without such a file system, that is, not on Linux. */
  get exists(): boolean {
    return this.#present('');
  }

  /** Undefined if there is no such interface now. */
  facts(name: string): InterfaceFacts | undefined {
    const index = this.#number(name, 'ifindex');
    if (index === undefined) return undefined;
    const driver = this.#target(name, 'device/driver');
    const deviceType = /^DEVTYPE=(.+)$/m.exec(this.#text(name, 'uevent') ?? '')?.[1];
    const boards = ['device/subsystem_vendor', 'device/subsystem_device'].map((id) => this.#text(name, id));
    const megabits = this.#number(name, 'speed') ?? 0;
    return {
      name,
      index,
      linkedIndex: this.#number(name, 'iflink') ?? index,
      isVirtual: this.#place(name).includes('/devices/virtual/'),
      hardwareType: this.#number(name, 'type') ?? 1,
      deviceType,
      driver,
      bus: this.#target(name, 'device/subsystem'),
      board: boards.includes(undefined) ? undefined : boards.join(':'),
      isVirtualFunction: this.#present(`${name}/device/physfn`),
      isWireless: ['phy80211', 'wireless'].some((folder) => this.#present(`${name}/${folder}`)),
      mtuBytes: this.#number(name, 'mtu') ?? 1_500,
      hasCarrier: this.#text(name, 'carrier') === '1',
      speedBitsPerSec: megabits > 0 ? megabits * 1e6 : undefined,
      lower: this.#lower(name),
    };
  }

  /**
   * Index and state of an interface as text. A different text means another interface, or one that
   * went up or down.
   */
  stateOf(name: string): string {
    return `${name} ${this.#text(name, 'ifindex')} ${this.#text(name, 'operstate')}`;
  }

  nameOf(index: number): string | undefined {
    return this.#list('').find((name) => this.#number(name, 'ifindex') === index);
  }

  #lower(name: string): string[] {
    const prefix = 'lower_';
    const links = this.#list(name).filter((entry) => entry.startsWith(prefix));
    return links.map((entry) => entry.slice(prefix.length)).sort();
  }

  #number(name: string, file: string): number | undefined {
    const text = this.#text(name, file);
    return text === undefined || text === '' ? undefined : Number(text);
  }

  #text(name: string, file: string): string | undefined {
    return known(() => readFileSync(`${this.#root}/${name}/${file}`, 'latin1').trim());
  }

  #target(name: string, link: string): string | undefined {
    return known(() => basename(readlinkSync(`${this.#root}/${name}/${link}`)));
  }

  #place(name: string): string {
    return known(() => realpathSync(`${this.#root}/${name}`)) ?? '';
  }

  #present(path: string): boolean {
    return known(() => statSync(`${this.#root}/${path}`)) !== undefined;
  }

  #list(path: string): string[] {
    return known(() => readdirSync(`${this.#root}/${path}`)) ?? [];
  }
}

/**
 * The kernel refuses what it does not know with an errno, for example EINVAL for the speed of a
 * card without a cable.
 */
function known<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}
