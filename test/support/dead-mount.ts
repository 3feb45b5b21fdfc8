// A mount whose server never answers, like a network file system after its cable was pulled: a FUSE file system without
// a server. A call that looks at it waits until the mount is ended. Needs root and the right to mount.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export class DeadMount {
  readonly #place: string;
  readonly #device: number;

  private constructor(place: string, device: number) {
    this.#place = place;
    this.#device = device;
  }

  /** Undefined where it cannot be mounted. */
  static over(place: string): DeadMount | undefined {
    let device: number;
    try {
      device = openSync('/dev/fuse', 'r+');
    } catch {
      return undefined;
    }
    const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other';
    const stdio: (number | 'ignore')[] = ['ignore', 'ignore', 'ignore', device];
    const { status } = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'dead', place], { stdio });
    if (status === 0) return new DeadMount(place, device);
    closeSync(device);
    return undefined;
  }

  /** Whoever waits gets ENOTCONN. */
  end(): void {
    closeSync(this.#device);
    spawnSync('umount', ['-l', this.#place]);
  }
}
