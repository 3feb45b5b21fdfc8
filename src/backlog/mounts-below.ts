// What is mounted inside the spool, from the kernel's own list: known without touching it, because
// a look at a mount whose server does not answer never returns, and holds a thread for as long.
import { readFileSync, readlinkSync } from 'node:fs';
import type { OpenDirectory } from '../spool/open-directory.ts';

/** Paths below the spool, as SpoolPath.id has them, at which something is mounted. */
export type MountPoints = ReadonlySet<string>;

/** Empty where the kernel does not tell: then a mount is known by its device, once looked at. */
export function mountsBelow(root: OpenDirectory): MountPoints {
  try {
    const folder = readlinkSync(root.at('').subarray(0, -1), 'latin1');
    const fdInfo = readFileSync(`/proc/self/fdinfo/${root.fd}`, 'latin1');
    const mountId = /^mnt_id:\s*(\d+)$/m.exec(fdInfo)?.[1];
    return mountPoints(readFileSync('/proc/self/mountinfo', 'latin1'), folder, mountId);
  } catch {
    return new Set();
  }
}

/**
 * The mounts on the mount `mountId` that lie below `folder`: proc_pid_mountinfo(5). A mount on
 * another one may be hidden below what is mounted over the spool, and say nothing of the names in
 * it. All text is latin1, a character a byte.
 */
export function mountPoints(mountInfo: string, folder: string, mountId: string | undefined): MountPoints {
  const found = new Set<string>();
  const prefix = folder === '/' ? '/' : `${folder}/`;
  for (const line of mountInfo.split('\n')) {
    const [, parentId, , , escaped = ''] = line.split(' ');
    const point = escaped.replace(/\\([0-7]{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (parentId === mountId && point.startsWith(prefix)) found.add(point.slice(prefix.length));
  }
  return found;
}
