// Puts packets between the backlog and the drain: what the drain takes for a file may be a packet
// of many.
import type { DrainEvent } from '../drain/drain-event.ts';
import type { DrainBacklog, DrainManifest, DrainSpool } from '../drain/drain-ports.ts';
import type { FoundObject, KnownObject } from '../drain/known-object.ts';
import type { Entry, SpoolPath } from '../spool/entry.ts';
import type { QuarantineReason } from '../spool/quarantine.ts';
import type { Clock } from '../system/clock.ts';
import { Fault, type RecurringFault } from '../system/fault.ts';
import { Compression, type CompressionSetting } from './compression.ts';
import { Gathering } from './gathering.ts';
import { PackedBacklog } from './packed-backlog.ts';
import { PackedManifest } from './packed-manifest.ts';
import { PackedSpool } from './packed-spool.ts';
import type { PackerPorts, PacketPlace } from './packer.ts';
import { type PacketEntry, packetOf } from './packet.ts';
import type { PacketEvent } from './packet-event.ts';
import { type PacketFiles, PacketFolder } from './packet-folder.ts';
import { packetKey } from './packet-key.ts';
import { recoverPackets } from './packet-recovery.ts';
import type { PackingOptions } from './packing.ts';
import { Refusals } from './refusals.ts';
import { type SealedPacket, SealedPackets } from './sealed-packets.ts';

export interface PacketsOptions {
  /** Where packets go. */
  readonly place: PacketPlace;
  /** Undefined if no file is packed. */
  readonly packing: PackingOptions | undefined;
  readonly compress: CompressionSetting;
  /** The template of a packet's key; see packetKey(). */
  readonly key: string;
}

export interface PacketsPorts {
  readonly clock: Clock;
  readonly spool: DrainSpool & PacketFiles;
  readonly backlog: DrainBacklog;
  readonly manifest: DrainManifest;
  /** Asks the store for an object; see findObject(). */
  readonly find: (object: KnownObject, signal: AbortSignal) => Promise<FoundObject | undefined>;
  /** The name of this machine, for keys. */
  readonly host: string;
  /** Called when the backlog may have an entry for the drain. */
  readonly onWork: () => void;
  /** A file has left the spool. */
  readonly onRemoved: (entry: Entry) => void;
  readonly onEvent: (event: PacketEvent | DrainEvent | RecurringFault) => void;
}

/**
 * Offers the drain its backlog, spool and manifest. Packets of an earlier run are sent even if no
 * file is packed any more.
 */
export class Packets {
  readonly backlog: PackedBacklog;
  readonly spool: PackedSpool;
  readonly manifest: PackedManifest;
  readonly #ports: PacketsPorts;
  readonly #folder: PacketFolder;
  readonly #sealed = new SealedPackets();
  readonly #gathering: Gathering;
  readonly #refusals = new Refusals();
  #options: PacketsOptions;
  #compression: Compression;

  constructor(ports: PacketsPorts, options: PacketsOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#compression = new Compression(options.compress);
    const sealed = this.#sealed;
    const folder = new PacketFolder(ports.spool);
    this.#folder = folder;
    this.#gathering = new Gathering(
      {
        ...{ clock: ports.clock, backlog: ports.backlog, onEvent: ports.onEvent },
        packer: () => this.#packer(),
        waiting: () => sealed.waitingAt(ports.clock.monotonicMs()),
        isPacked: (path) => sealed.isRecovered(path),
        onSealed: (packet) => this.#sealedAnew(packet),
        onReturned: () => this.backlog.lookAgain(),
        onWork: ports.onWork,
      },
      options.packing,
    );
    this.backlog = new PackedBacklog({
      ...{ clock: ports.clock, backlog: ports.backlog, sealed, gathering: this.#gathering },
      isForHere: ({ packet }) => this.#isForHere(packet),
      onGivenBack: () => void this.#dropOthers(),
      onWork: ports.onWork,
    });
    this.manifest = new PackedManifest(ports.manifest, sealed);
    this.spool = new PackedSpool({
      ...ports,
      ...{ folder, sealed, backlog: this.backlog, manifest: this.manifest },
      onRefused: (packet, reason) => this.#split(packet, reason),
      onRepeated: ({ entry: { packet } }, members) =>
        ports.onEvent({ kind: 'membersRepeated', packet, members }),
      onLost: (packet) => this.#dropLost(packet),
    });
  }

  /** False if no file is packed. */
  get isOn(): boolean {
    return this.#options.packing !== undefined;
  }

  /** What waits for company, in files, bytes and groups. */
  get gathered() {
    return this.#gathering.waiting;
  }

  /** The files that wait for company. */
  get gatheredFiles(): Iterable<Entry> {
    return this.#gathering.files;
  }

  /** The packets that are complete and not yet removed. */
  get packets(): Iterable<SealedPacket> {
    return this.#sealed;
  }

  /** Finds the packets of an earlier run. Call it before the backlog hands anything out. */
  async recover(): Promise<void> {
    const { spool, onEvent } = this.#ports;
    try {
      for await (const { entry, members, isLost } of recoverPackets({ spool, folder: this.#folder, onEvent }))
        this.#sealed.add(entry, members, { isRecovered: true, isLost });
    } catch (error) {
      onEvent({ kind: 'fault', operation: 'look for packets of an earlier run', error });
    }
    await this.#dropOthers();
  }

  /** A scan has found files, or files are due again. */
  foundMore(): void {
    this.backlog.lookAgain();
  }

  /** Files that wait for company go back to the backlog, until resume(). */
  pause(): Promise<void> {
    return this.#gathering.close();
  }

  resume(): void {
    this.#gathering.open();
  }

  /** Does what pause() does, for good. */
  stop(): Promise<void> {
    return this.pause();
  }

  /**
   * Something may have been mended: packets that wait and hold an accepted file are due at once,
   * and a rest ends. Returns how many accepted files they hold.
   */
  tryAgain(accepts: (path: SpoolPath) => boolean = () => true): number {
    let files = 0;
    for (const packet of this.#sealed.deferredAt(this.#ports.clock.monotonicMs())) {
      const accepted = [...packet.left.values()].filter(({ path }) => accepts(path)).length;
      if (accepted > 0) packet.dueAtMs = Number.NEGATIVE_INFINITY;
      files += accepted;
    }
    this.#refusals.forget();
    this.#gathering.endRest();
    this.backlog.lookAgain();
    return files;
  }

  /** Applies to new packets. Packets for another place are dropped, unless they are being sent. */
  async reconfigure(options: PacketsOptions): Promise<void> {
    this.#options = options;
    this.#compression = new Compression(options.compress);
    this.tryAgain();
    await this.#gathering.reconfigure(options.packing);
    await this.#dropOthers();
    this.#worked();
  }

  /** The store has taken the entry, or may have. The entry may be a packet. */
  stored({ path }: Entry): void {
    const packet = this.#sealed.at(path);
    if (packet !== undefined) this.#sealed.mayBeStored(packet);
  }

  /** Passes an event of the drain on, unless this has told of the packet in other words. */
  tell(event: DrainEvent): void {
    const isOfPacket = 'entry' in event && packetOf(event.entry) !== undefined;
    if (isOfPacket && event.kind === 'quarantined') return;
    if (isOfPacket && event.kind === 'uploaded' && event.transferred.outcome === 'stored')
      this.#refusals.forget();
    this.#ports.onEvent(event);
  }

  #packer(): PackerPorts {
    const { spool, host } = this.#ports;
    const { place, key: template } = this.#options;
    const { prefix } = place;
    return {
      ...{ spool, folder: this.#folder, place, compression: this.#compression },
      keyOf: (group, wallMs, digestHex) => packetKey(template, { wallMs, host, group, digestHex, prefix }),
    };
  }

  #sealedAnew(entry: PacketEntry): void {
    this.#sealed.add(entry, entry.packet.members);
    this.#ports.onEvent({ kind: 'packed', packet: entry.packet });
  }

  #worked(): void {
    this.backlog.lookAgain();
    this.#ports.onWork();
  }

  #isForHere({ bucket, endpoint, prefix }: PacketPlace): boolean {
    const { place } = this.#options;
    return bucket === place.bucket && endpoint === place.endpoint && prefix === place.prefix;
  }

  /**
   * Its files are packed again, in halves, or sent by themselves while packing rests. Rejects with
   * a Fault if the plan cannot be removed.
   */
  async #split({ entry, left }: SealedPacket, reason: QuarantineReason): Promise<void> {
    const { packet, mayBeStored } = entry;
    await this.#folder.drop(packet.id);
    this.#tellRemoved(entry);
    const repeated = mayBeStored ? left.size : 0;
    this.#ports.onEvent({ kind: 'packetSplit', packet, reason: reason.reason, repeated });
    const gathering = this.#gathering;
    if (gathering.isResting) return;
    const restMs = this.#refusals.refused();
    if (restMs === undefined) gathering.split([...left.values()]);
    else gathering.rest('refused', refusedFault(packet.key, reason), restMs);
  }

  /** Called for a packet that ends without an event of the drain. */
  #tellRemoved({ packet, removed }: PacketEntry): void {
    if (removed.length > 0) this.#ports.onEvent({ kind: 'membersUploaded', packet, members: removed });
  }

  /** The store was asked. A request that was sent before may still arrive. */
  async #dropLost({ entry, left }: SealedPacket): Promise<void> {
    const { id } = entry.packet;
    await this.#folder.drop(id);
    this.#tellRemoved(entry);
    const reason = 'its file in .halfpipe cannot be used, and it is not found in the store';
    const repeated = entry.mayBeStored ? left.size : 0;
    this.#ports.onEvent({ kind: 'packetDropped', id, reason, repeated });
  }

  async #dropOthers(): Promise<void> {
    for (const packet of [...this.#sealed]) {
      const { path, packet: plan, mayBeStored } = packet.entry;
      if (packet.isTaken || this.#isForHere(plan)) continue;
      packet.isTaken = true;
      try {
        await this.#folder.drop(plan.id);
      } catch (error) {
        // Its files are sent in any case.
        this.#ports.onEvent({ kind: 'fault', operation: `drop packet ${plan.id}`, error });
      }
      this.#tellRemoved(packet.entry);
      const repeated = mayBeStored ? packet.left.size : 0;
      this.backlog.release(path, 'gone');
      this.#ports.onEvent({ kind: 'packetDropped', id: plan.id, reason: 'files go elsewhere now', repeated });
    }
  }
}

/** What the store says of the last packet, which is what it has said of all. */
function refusedFault(subject: string, { reason, code }: QuarantineReason): Fault {
  const hint = 'allow s3:PutObject for the keys of packets, or set packets.key; then reload';
  const details = { operation: 'send packets', subject, hint, ...(code !== undefined && { code }) };
  return new Fault('unknown', reason, details);
}
