// Decides whether the speed that a driver reports is the rate of a line, from what /sys shows of
// the interface.
import type { InterfaceFacts } from './interface-tree.ts';

export type SpeedFinding =
  | { readonly kind: 'known'; readonly bitsPerSec: number }
  /** Not now. Another cable or driver may change that. */
  | { readonly kind: 'later'; readonly why: string }
  /** Never, with any cable. */
  | { readonly kind: 'never'; readonly why: string };

/** Buses that exist only in virtual machines: KVM, Hyper-V and Azure, Xen, POWER. */
const VIRTUAL_BUSES: readonly string[] = ['virtio', 'vmbus', 'xen', 'vio'];
/**
 * Cards made up by hypervisors and clouds. vmxnet3 reports 10,000 and hv_netvsc the host's rate;
 * ena, gve and mana report the host's card, although the cloud allows each machine only a part of
 * it. The last pattern matches shares of a card (SR-IOV).
 */
const VIRTUAL_DRIVERS =
  /^(vmxnet3?|hv_netvsc|netvsc|virtio_net|xen[-_]netfront|vif|ena|gve|mana|idpf|ibmveth|ibmvnic|veth|tun|\w*vf)$/;
/** Modems. They report the present rate of the radio or of the USB port. */
const MODEM_DRIVERS =
  /^(cdc_ether|cdc_ncm|cdc_mbim|huawei_cdc_ncm|qmi_wwan\w*|rndis_host|ipheth|sierra_net|hso|mhi_net|mhi_wwan_mbim|iosm|t7xx|GobiNet)$/;
/**
 * PCI ids of hypervisors as makers of the board: Red Hat (QEMU), VMware, Parallels, InnoTek
 * (VirtualBox), XenSource, Microsoft.
 */
const EMULATED_MAKERS: readonly string[] = ['0x1af4', '0x15ad', '0x1ab8', '0x80ee', '0x5853', '0x1414'];
/** Real boards whose ids QEMU (e1000e) and VirtualBox (e1000) copy. */
const EMULATED_BOARDS: readonly string[] = ['0x8086:0x0000', '0x8086:0x001e'];

/** Returns the rate if the driver can be believed, else why not. */
export function believableSpeed(facts: InterfaceFacts): SpeedFinding {
  const why = unbelievable(facts);
  if (why !== undefined) return { kind: 'never', why };
  if (facts.speedBitsPerSec !== undefined) return { kind: 'known', bitsPerSec: facts.speedBitsPerSec };
  if (!facts.hasCarrier) return { kind: 'later', why: 'it has no carrier' };
  return { kind: 'later', why: 'its driver reports no speed' };
}

function unbelievable(facts: InterfaceFacts): string | undefined {
  const { isVirtual, driver, bus, board, deviceType } = facts;
  if (isVirtual) return 'it is a virtual interface, which has no speed of its own';
  if (facts.isWireless || deviceType === 'wlan') return 'it is Wi-Fi, whose rate changes all the time';
  if (deviceType === 'wwan' || (driver !== undefined && MODEM_DRIVERS.test(driver)))
    return 'it is a modem, whose rate changes all the time';
  const maker = board?.split(':')[0] ?? '';
  const isEmulated =
    (bus !== undefined && VIRTUAL_BUSES.includes(bus)) ||
    (driver !== undefined && VIRTUAL_DRIVERS.test(driver)) ||
    facts.isVirtualFunction ||
    EMULATED_MAKERS.includes(maker) ||
    (driver?.startsWith('e1000') === true && EMULATED_BOARDS.includes(board ?? ''));
  if (!isEmulated) return undefined;
  return `it is the card of a virtual machine${driver === undefined ? '' : ` (${driver})`}, whose speed is made up`;
}
