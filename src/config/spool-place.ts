// Folders that no spool may be: everything in a spool is removed in the end, and with one of these
// a machine would be.
import { posix } from 'node:path';

/** Nothing in them is a producer's. */
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
/** Shared by many: a folder below may be a spool. */
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
/** Memory for files of anybody's. */
const ALLOWED_BELOW = ['/dev/shm'];

/** Whether `path`, absolute and normal, is a folder of the system's. */
export function isOfTheSystem(path: string): boolean {
  if (BY_THEMSELVES.includes(path) || ALLOWED_BELOW.includes(path)) return true;
  if (ALLOWED_BELOW.some((folder) => holds(folder, path))) return false;
  return WITH_ALL_BELOW.some((folder) => holds(folder, path));
}

/** Whether `path` is `folder` or lies below it. */
export function holds(folder: string, path: string): boolean {
  const way = posix.relative(folder, path);
  return way === '' || !(way === '..' || way.startsWith('../'));
}
