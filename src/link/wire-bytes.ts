// From what an interface counts to what the wire carries. Drivers without hardware of their own
// (veth, virtio) count a packet that is cut into segments later as one, with one header: some 4 %
// too little. Deterministic.

/** What the packets of an upload look like on the wire. */
export interface Segment {
  /** The payload of TCP in a full packet. */
  readonly payloadBytes: number;
  /** Before it, Ethernet, IP, TCP and what a tunnel adds. */
  readonly headerBytes: number;
}

export interface Count {
  readonly bytes: number;
  readonly packets: number;
}

/** Adds up one interface's bytes on the wire since it was first read. */
export class WireBytes {
  readonly #segment: Segment;
  #last: Count | undefined;
  #wireBytes = 0;

  constructor(segment: Segment) {
    this.#segment = segment;
  }

  /** Never less than before; undefined when the counter was reset. */
  read(count: Count): number | undefined {
    const last = this.#last;
    this.#last = count;
    if (last === undefined) return this.#wireBytes;
    const bytes = count.bytes - last.bytes;
    if (bytes < 0 || count.packets < last.packets) return undefined;
    this.#wireBytes +=
      bytes + uncountedBytes({ bytes, packets: count.packets - last.packets }, this.#segment);
    return this.#wireBytes;
  }
}

/**
 * The headers that were not counted: of packets that are longer than the interface can send, as
 * many segments must have become as their payload fills. 0 where the mean packet fits, as on every
 * real card.
 */
export function uncountedBytes({ bytes, packets }: Count, { payloadBytes, headerBytes }: Segment): number {
  const segments = (bytes - packets * headerBytes) / payloadBytes;
  return packets === 0 ? 0 : Math.max(0, (segments - packets) * headerBytes);
}
