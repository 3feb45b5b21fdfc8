// Whether the speed that a driver reports is the rate of a line. Decides on what /sys shows of the
// interface alone.
import type { InterfaceFacts } from './interface-tree.ts';

export type SpeedFinding =
  | { readonly kind: 'known'; readonly bitsPerSec: number }
  /** Not now; a cable or a driver may change that. */
  | { readonly kind: 'later'; readonly why: string }
  /** Whatever happens to the cable. */
  | { readonly kind: 'never'; readonly why: string };

/** Buses that exist in virtual machines only: KVM, Hyper-V and Azure, Xen, POWER. */
const VIRTUAL_BUSES: readonly string[] = ['virtio', 'vmbus', 'xen', 'vio'];
/**
 * Cards that hypervisors and clouds make up. vmxnet3 says 10,000 and hv_netvsc the host's rate;
 * ena, gve and mana name the host's card, while the cloud allows each machine a part of it. The
 * last ones are shares of a card (SR-IOV).
 */
const VIRTUAL_DRIVERS =
  /^(vmxnet3?|hv_netvsc|netvsc|virtio_net|xen[-_]netfront|vif|ena|gve|mana|idpf|ibmveth|ibmvnic|veth|tun|\w*vf)$/;
/** Modems: what they report is what the radio, or the USB port, does at the moment. */
const MODEM_DRIVERS =
  /^(cdc_ether|cdc_ncm|cdc_mbim|huawei_cdc_ncm|qmi_wwan\w*|rndis_host|ipheth|sierra_net|hso|mhi_net|mhi_wwan_mbim|iosm|t7xx|GobiNet)$/;
/**
 * The maker of the board is a hypervisor: Red Hat (QEMU), VMware, Parallels, InnoTek (VirtualBox),
 * XenSource, Microsoft.
 */
const EMULATED_MAKERS: readonly string[] = ['0x1af4', '0x15ad', '0x1ab8', '0x80ee', '0x5853', '0x1414'];
/** Boards that QEMU (e1000e) and VirtualBox (e1000) copy, number for number. */
const EMULATED_BOARDS: readonly string[] = ['0x8086:0x0000', '0x8086:0x001e'];

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
