// What a link is called, what it is made of, and what it is searched by.
import type { Capacity, WantedCapacity } from './capacity.ts';
import type { PageCounterOptions } from './page-counter.ts';
import type { Segment } from './wire-bytes.ts';

export interface Endpoint {
  /** A name or an address, IPv6 without brackets. With a proxy, the proxy's. */
  readonly host: string;
  readonly port: number;
}

export interface UplinkOptions {
  /** `auto`: whatever carries the route to the endpoint. */
  readonly interface: string;
  readonly capacity: WantedCapacity;
  readonly endpoint: Endpoint;
  /** Counts the line's bytes in place of the interfaces. */
  readonly counter?: OtherCounter | undefined;
}

export type OtherCounter =
  /** A file that holds a number. It must be local, because the sending thread reads it. */
  { readonly kind: 'file'; readonly path: string } | ({ readonly kind: 'page' } & PageCounterOptions);

export interface Carrier {
  readonly name: string;
  /** Changes when the interface is removed and created again under its name. */
  readonly index: number;
}

export interface UplinkIdentity {
  /** The name for messages: `eth0`, or `eth0+eth1` if several interfaces carry the line. */
  readonly name: string;
  /** The device of the route if it is a different one: a bridge, a tunnel. */
  readonly via: string | undefined;
  /** The interfaces whose counters add up to the line, unless there is another counter. */
  readonly carriers: readonly Carrier[];
  readonly counter: OtherCounter | undefined;
  readonly segment: Segment;
  readonly capacityBitsPerSec: number;
  readonly capacityFrom: Capacity['from'];
  /** What cannot be seen or is not certain, each with its remedy. */
  readonly warnings: readonly string[];
  /** True if the endpoint's name does not resolve. The link is a guess until it does. */
  readonly isGuess: boolean;
}
