// The image of halfpipe, built from systemd/container/Containerfile by Debian's own podman on a fresh Debian 13, and a machine
// that runs it. No engine of the machine that tests is used, and none is needed there.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { debianRoot, FreshRoot } from './debian-root.ts';

/** Podman with what it only recommends, and not its heavier friends. */
export const podmanMachine = (): string =>
  debianRoot(13, ['podman', 'buildah', 'catatonit', 'conmon', 'crun', 'podman-compose']);

/**
 * What podman has to leave out where it is itself in a container: overlays upon an overlay, control groups, keyrings, and
 * higher limits than we have.
 */
const SETTINGS = {
  'storage.conf':
    '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n',
  'containers.conf':
    '[containers]\ncgroups = "disabled"\npids_limit = 0\nkeyring = false\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n',
};

export function settlePodman(path: (file: string) => string): void {
  for (const [name, text] of Object.entries(SETTINGS)) writeFileSync(path(`etc/containers/${name}`), text);
}

/**
 * Builds the image that `command` asks for, in a folder that has the Containerfile and the package at the places of a
 * checkout. Its base is Debian 13 as debianRoot() makes it. Writes an archive for `podman load`.
 */
export function buildImage(command: string, packageFile: string, archive: string): void {
  const root = FreshRoot.mount(podmanMachine());
  const within = (file: string) => join(root.path, file);
  try {
    settlePodman(within);
    for (const folder of ['checkout/systemd/container', 'checkout/var/package', 'base'])
      mkdirSync(within(folder), { recursive: true });
    copyFileSync('systemd/container/Containerfile', within('checkout/systemd/container/Containerfile'));
    copyFileSync(packageFile, within(`checkout/var/package/${basename(packageFile)}`));
    copyFileSync('/etc/resolv.conf', within('etc/resolv.conf'));
    const base = debianRoot(13);
    const script = `mount --bind "$1" "$2/base" && mount -t proc proc "$2/proc" && mount -t sysfs sysfs "$2/sys"
      mount --rbind /dev "$2/dev" && exec chroot "$2" sh -ec "$3"`;
    const building = `tar -C /base -c . | podman import -q - docker.io/library/debian:13-slim
      cd /checkout; export BUILDAH_ISOLATION=chroot
      podman() { [ "$1" != build ] || set -- "$@" --pull=never --layers=false --network=host --ulimit=nofile=4096:4096 --ulimit=nproc=4096:4096
        command podman "$@"; }
      ${command}
      podman save -q -o /image.tar localhost/halfpipe`;
    const inside = ['--mount', 'sh', '-ec', script, 'sh', base, root.path, building];
    execFileSync('unshare', inside, { stdio: 'pipe' });
    copyFileSync(within('image.tar'), archive);
  } finally {
    root.unmount();
  }
}
