// The packets on the disk: `.halfpipe/packets/ID.zip`, each with its plan in `ID.json` beside it,
// and with `ID.stored` once the store has it.
import { SpoolPath } from '../spool/entry.ts';
import type { OwnFile, OwnFiles } from '../spool/own-files.ts';
import { PRIVATE_FOLDER } from '../spool/private-folder.ts';
import { Fault } from '../system/fault.ts';
import type { PacketPlan } from './packet.ts';
import { decodePlan, encodePlan } from './packet-plan.ts';

const FOLDER = 'packets';

export interface PacketFiles {
  memory(name: string): { load(): Promise<string | undefined>; save(text: string): Promise<void> };
  ownFiles(folder: string): Pick<OwnFiles, 'dev' | 'names' | 'create' | 'discard' | 'sync'>;
}

/**
 * A packet without a plan is not complete, and a plan without a packet is of no use. So the packet
 * is written first, and the plan is removed first. Methods reject with a Fault.
 */
export class PacketFolder {
  readonly #spool: PacketFiles;

  constructor(spool: PacketFiles) {
    this.#spool = spool;
  }

  pathOf(id: string): SpoolPath {
    return SpoolPath.from(`${PRIVATE_FOLDER}/${FOLDER}/${id}.zip`);
  }

  /** Creates the file of a new packet. Its id tells its age, by the wall clock. */
  async create(wallMs: number): Promise<{ readonly id: string; readonly file: OwnFile }> {
    for (let attempt = 0; ; attempt += 1) {
      const id = `${wallMs.toString(36)}-${attempt}`;
      try {
        return { id, file: await this.#files.create(`${id}.zip`) };
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'EEXIST') throw error;
      }
    }
  }

  /** Resolves when the plan is durable, and with it the name of the packet. */
  save(plan: PacketPlan): Promise<void> {
    return this.#planOf(plan.id).save(encodePlan(plan));
  }

  /** Resolves with undefined if there is no plan that can be read. */
  async load(id: string): Promise<PacketPlan | undefined> {
    const text = await this.#planOf(id).load();
    const plan = text === undefined ? undefined : decodePlan(text, await this.#files.dev(`${id}.json`));
    return plan?.id === id ? plan : undefined;
  }

  /**
   * Notes that the store provably holds the packet, so that the next start knows where the members
   * went that are gone by then. Not synced: the disk keeps the order in which names change.
   */
  async noteStored(id: string): Promise<void> {
    await (await this.#files.create(`${id}.stored`)).close();
  }

  async isStored(id: string): Promise<boolean> {
    return (await this.#files.names()).includes(`${id}.stored`);
  }

  /** Removes the packet, or what is left of it. */
  async discard(id: string): Promise<void> {
    await this.#files.discard(`${id}.json`);
    await this.#files.discard(`${id}.zip`);
    await this.#files.discard(`${id}.stored`);
  }

  /** Does what discard() does, so that even a power cut does not bring the plan back. */
  async drop(id: string): Promise<void> {
    await this.discard(id);
    await this.#files.sync();
  }

  /** The ids of all packets and plans, the oldest first. */
  async ids(): Promise<string[]> {
    const names = await this.#files.names();
    const ids = names
      .filter((name) => /\.(zip|json|stored)$/.test(name))
      .map((name) => name.replace(/\.\w+$/, ''));
    return [...new Set(ids)].sort();
  }

  get #files() {
    return this.#spool.ownFiles(FOLDER);
  }

  #planOf(id: string) {
    return this.#spool.memory(`${FOLDER}/${id}.json`);
  }
}
