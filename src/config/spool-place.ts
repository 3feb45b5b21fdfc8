// Folders that cannot be a spool. Everything in a spool is removed in the end, and removing the
// content of one of these would break the machine.
import { posix } from 'node:path';

/** No producer writes below these. */
const WITH_ALL_BELOW = [
  ...[
    '/bin',
    '/boot',
    '/dev',
    '/efi',
    '/etc',
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/proc',
    '/sbin',
    '/sys',
    '/usr',
  ],
  ...[
    '/run/systemd',
    '/run/dbus',
    '/run/udev',
    '/var/lib/dpkg',
    '/var/lib/rpm',
    '/var/lib/apt',
    '/var/lib/systemd',
  ],
  ...[
    '/var/lib/docker',
    '/var/lib/containerd',
    '/var/spool/cron',
    '/var/backups',
    '/lost+found',
    '/snap',
    '/nix',
  ],
];
/** Shared folders. A folder below one of these may be a spool. */
const BY_THEMSELVES = [
  ...['/', '/home', '/opt', '/root', '/run', '/run/lock', '/run/user', '/tmp'],
  ...[
    '/var',
    '/var/cache',
    '/var/lib',
    '/var/lock',
    '/var/log',
    '/var/mail',
    '/var/opt',
    '/var/run',
    '/var/spool',
  ],
  ...['/var/spool/mail', '/var/tmp', '/var/www'],
];
/** Memory for files of any program. */
const ALLOWED_BELOW = ['/dev/shm'];

/** True if `path`, absolute and normalised, is a folder of the system. */
export function isOfTheSystem(path: string): boolean {
  if (BY_THEMSELVES.includes(path) || ALLOWED_BELOW.includes(path)) return true;
  if (ALLOWED_BELOW.some((folder) => holds(folder, path))) return false;
  return WITH_ALL_BELOW.some((folder) => holds(folder, path));
}

/** True if `path` is `folder` or lies below it. */
export function holds(folder: string, path: string): boolean {
  const way = posix.relative(folder, path);
  return way === '' || !(way === '..' || way.startsWith('../'));
}
