// Corrects what an interface counts to what the wire carries.

/** The packets of an upload on the wire. */
export interface Segment {
  /** The TCP payload of a full packet. */
  readonly payloadBytes: number;
  /** The headers before it: Ethernet, IP, TCP and those of a tunnel. */
  readonly headerBytes: number;
}

export interface Count {
  readonly bytes: number;
  readonly packets: number;
}

/**
 * Adds up the wire bytes of one interface since its first reading. Drivers without hardware (veth,
 * virtio) count a packet that is later cut into segments once, with one header: about 4 % too
 * little. Deterministic.
 */
export class WireBytes {
  readonly #segment: Segment;
  #last: Count | undefined;
  #wireBytes = 0;

  constructor(segment: Segment) {
    this.#segment = segment;
  }

  /** Returns the wire bytes so far, which never fall; undefined when the counter was reset. */
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
 * The headers that were not counted. A packet longer than the interface can send must have been cut
 * into as many segments as its payload fills. 0 if the mean packet fits, as on every real card.
 */
export function uncountedBytes({ bytes, packets }: Count, { payloadBytes, headerBytes }: Segment): number {
  const segments = (bytes - packets * headerBytes) / payloadBytes;
  return packets === 0 ? 0 : Math.max(0, (segments - packets) * headerBytes);
}
