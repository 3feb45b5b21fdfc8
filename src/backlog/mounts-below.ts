// Finds the mounts inside the spool in the kernel's own list, without touching them. A look at a
// mount whose server does not answer never returns, and blocks a thread of the pool.
import { readFileSync, readlinkSync } from 'node:fs';
import type { OpenDirectory } from '../spool/open-directory.ts';

/** Paths of mount points below the spool, written like SpoolPath.id. */
export type MountPoints = ReadonlySet<string>;

/**
 * Empty if the kernel does not say. Then a mount is found by its device number when it is looked
 * at.
 */
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
 * Returns the mounts on mount `mountId` that lie below `folder`; see proc_pid_mountinfo(5). A mount
 * on another mount may be hidden below what is mounted over the spool, so it says nothing about the
 * names in the spool. All text is latin1, one character for each byte.
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
