// What config/RECIPES.md tells an operator and a producer to type, typed word for word on a fresh Debian 13, with Debian's
// own servers and clients; and what the page says was printed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cannotBoot } from '../support/booted-machine.ts';
import { cannotMakeRoot, debianRoot } from '../support/debian-root.ts';
import { BUCKET, buildPackage, InstalledHalfpipe, SPOOL } from '../support/installed-halfpipe.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';

const PAGE = readFileSync('config/RECIPES.md', 'utf8');
const { version: VERSION } = JSON.parse(readFileSync('package.json', 'utf8'));
const PEERS = [
  ...['openssh-server', 'openssh-client', 'rsync', 'python3', 'samba', 'smbclient', 'proftpd-core', 'curl'],
  ...['sshfs', 'e2fsprogs', 'quota', 'prometheus', 'bsd-mailx', 'dma'],
];
const PHOTO = randomBytes(3_000_000);
const LARGE = randomBytes(30_000_000);

/** The code blocks of a section, or of the text above all sections, in order. */
function blocks(title: string, language: string): string[] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(`${title}\n`));
  assert.ok(section !== undefined, `RECIPES.md has no section ${title}`);
  const fenced = [...section.matchAll(/^```(.*?)\n(.*?)^```/gms)];
  return fenced.filter(([, of]) => of === language).map(([, , block = '']) => block);
}

/** What the page says was printed, but for times and amounts. */
function pattern(line: string): RegExp {
  const plain = line.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const amount = '[\\d.,:]+(?: (?:ms|s|min))?(?: \\d+ s)?';
  return new RegExp(`^${plain.replaceAll(/\d[\d.,:\\]*(?: (?:ms|s|min)\b)?(?: \d+ s\b)?/g, amount)}$`, 'm');
}

describe('the recipes', { skip: cannotBoot() || cannotMakeRoot() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-recipes-'));
  const stores: S3Server[] = [];
  const expected = new Set<string>();
  let halfpipe: InstalledHalfpipe;
  let disk = '';
  const run = (script: string) => halfpipe.machine.run(`set -e; cd /root\n${script}`);
  const must = (script: string) => halfpipe.machine.must(`set -e; cd /root\n${script}`);
  const give = (name: string, content: Buffer) =>
    writeFileSync(halfpipe.machine.path(`root/${name}`), content, { mode: 0o600 });

  before(async () => {
    const layers = debianRoot(13, PEERS);
    halfpipe = await InstalledHalfpipe.prepare([buildPackage(VERSION, folder)], layers);
    await must(`apt install ./halfpipe_${VERSION}_amd64.deb
      hostname gateway; echo gateway >/etc/hostname; rm -f /etc/resolv.conf
      printf '%s\\n' '127.0.0.1 localhost' '127.0.1.1 gateway nas' \\
        '${halfpipe.machine.hostAddress} s3.example.com s3.example.org' >/etc/hosts`);
    await halfpipe.configure();
    await must(`halfpipe check && systemctl start halfpipe
      ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519
      for name in camera-1 recorder; do cp .ssh/id_ed25519.pub $name.pub; done
      ssh-keyscan -t ed25519 gateway nas >.ssh/known_hosts`);
    for (const name of ['photo.jpg', 'scan.pdf']) give(name, PHOTO);
    give('large.bin', LARGE);
  });

  after(async () => {
    await halfpipe?.end();
    for (const store of stores) await store.close();
    if (disk !== '') execFileSync('losetup', ['--detach', disk]);
    rmSync(folder, { recursive: true });
  });

  /** The file is in the bucket, whole, and no longer in the spool. */
  async function arrived(key: string, content: Buffer, { store = halfpipe.server, spool = SPOOL } = {}) {
    const bucket = store.bucket(store === halfpipe.server ? BUCKET : spool.replace(/.*-/, ''));
    assert.ok(bucket !== undefined);
    await halfpipe.until(`${key} to arrive`, () => bucket.get(key) !== undefined);
    assert.ok(readFileSync(bucket.fileOf(key)).equals(content), `${key} has other bytes`);
    await halfpipe.until(
      `${key} to be removed`,
      async () => (await run(`test ! -e ${spool}/${key}`)).status === 0,
    );
    if (store === halfpipe.server) expected.add(key);
  }

  /** Types what the transcripts of a section show, until it prints what they show. */
  async function prints(title: string): Promise<void> {
    for (const command of blocks(title, '').flatMap((block) => block.split(/^# /m).slice(1))) {
      const [typed = '', ...lines] = command.trimEnd().split('\n');
      let output = '';
      const seen = async () => {
        ({ output } = await run(typed));
        return lines.every((line) => pattern(line).test(output));
      };
      await halfpipe.until(`${typed} to print what RECIPES.md shows`, seen).catch((error) => {
        throw new Error(`${error.message}\n${typed} has printed:\n${output}`);
      });
    }
  }

  test('SFTP: what breaks off is never sent; what the group may not read is told of', async () => {
    const [once, each, producer, ...more] = blocks('SFTP', 'sh');
    assert.ok(once && each && producer && more.length === 0);
    for (const script of [once, each, producer]) await must(script);
    await arrived('camera-1/photo.jpg', PHOTO);
    await prints('SFTP');
    await run(`timeout 2 sftp -l 8000 -b - camera-1@gateway <<'END'\nput large.bin large.bin.part\nEND`);
    await must(`test -s ${SPOOL}/camera-1/large.bin.part; ! ssh camera-1@gateway id
      scp photo.jpg camera-1@gateway:private.jpg`);
    await prints('# Recipes');
    await must(`chmod g+r ${SPOOL}/camera-1/private.jpg && halfpipe retry camera-1/private.jpg`);
    await arrived('camera-1/private.jpg', PHOTO);
  });

  test('rsync: through SSH and to its daemon, also what broke off', async () => {
    const [server, push, daemon, pushToDaemon, ...more] = blocks('rsync', 'sh');
    assert.ok(server && push && daemon && pushToDaemon && more.length === 0);
    await must('mkdir -m 700 -p recordings/day-1');
    give('recordings/day-1/1.wav', PHOTO);
    await must(server);
    await must(push);
    await arrived('recorder/day-1/1.wav', PHOTO);
    give('recordings/large.wav', LARGE);
    await must(daemon);
    await halfpipe.until('the daemon listens', async () => (await run('rsync gateway::')).status === 0);
    const cut = await run(pushToDaemon.replace('rsync ', 'timeout 3 rsync --bwlimit=3000 '));
    assert.equal(cut.status, 124, cut.output);
    await halfpipe.until('it breaks off', async () =>
      /large/.test((await run(`ls -A ${SPOOL}/recorder/.rsync-partial`)).stdout),
    );
    for (const option of ['--inplace', '--partial', '--append'])
      assert.match(
        (await run(pushToDaemon.replace('--partial-dir=.rsync-partial', option))).output,
        /refuse/,
      );
    await must(pushToDaemon);
    await arrived('recorder/large.wav', LARGE);
    await prints('rsync');
    assert.equal(await must('find recordings -type f'), '');
  });

  test('a Windows share: a file whose client pauses is left alone', async () => {
    const [server, put, ...more] = blocks('A Windows share', 'sh');
    assert.ok(server && put && more.length === 0);
    await must(server);
    await must(put);
    await arrived('scanner/scan.pdf', PHOTO);
    await prints('A Windows share');
    const slow = must(`(head -c 1000000 scan.pdf; sleep 15; tail -c +1000001 scan.pdf) |
      smbclient //gateway/scans -U scanner%secret -c 'put - slow.pdf'`);
    await halfpipe.until('it is found open', async () =>
      /1 still being written/.test((await run('halfpipe status')).output),
    );
    assert.equal(halfpipe.server.bucket(BUCKET)?.get('scanner/slow.pdf'), undefined);
    await slow;
    await arrived('scanner/slow.pdf', PHOTO);
  });

  test('FTP: a camera that loses power or the network in mid-file leaves nothing', async () => {
    const [once, each, camera, ...more] = blocks("A camera's FTP", 'sh');
    assert.ok(once && each && camera && more.length === 0);
    for (const script of [once, each]) await must(script);
    const incoming = `ls -A ${SPOOL}/camera-2`;
    // Both connections are reset, as by a camera that starts again.
    const resetting = must(`python3 - <<'END'
import ftplib, socket, struct, time
camera = ftplib.FTP('gateway', 'camera-2', 'secret')
data = camera.transfercmd('STOR incoming/broken.jpg')
data.sendall(bytes(1000000))
time.sleep(1)
for connection in (data, camera.sock):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
data.close()
END`);
    await halfpipe.until('it is hidden', async () => /^\.in\.broken/m.test(await must(incoming)));
    await resetting;
    await must(camera);
    await arrived('camera-2/photo.jpg', PHOTO);
    await halfpipe.until('it is deleted', async () => (await must(incoming)) === '');
    await prints("A camera's FTP");
    assert.match((await run('curl -sS --user root:secret ftp://gateway/')).output, /530/);
  });

  test('several spools: each to its own store, with its own key', async () => {
    for (const [name, port] of [
      ['north', 9000],
      ['south', 9001],
    ] as const) {
      const key = { accessKeyId: `${name.toUpperCase()}KEY`, secretAccessKey: `the-secret-of-${name}` };
      const place = { directory: folder, host: halfpipe.machine.hostAddress, port, buckets: [name] };
      stores.push(await startS3Server({ ...key, ...place }));
    }
    for (const script of blocks('Several spools', 'sh')) await must(script);
    for (const [at, name] of ['a.bin', 'b.bin'].entries()) {
      const spool = `${SPOOL}-${['north', 'south'][at]}`;
      await must(
        `install -m 0660 -g halfpipe photo.jpg ${spool}/.${name} && mv ${spool}/.${name} ${spool}/${name}`,
      );
      await arrived(name, PHOTO, { store: stores[at], spool });
    }
    await prints('Several spools');
    await must("systemctl reload 'halfpipe*' && systemctl disable --now halfpipe@north halfpipe@south");
  });

  /** What a recipe for another spool has changed, taken back. */
  const backToOwnSpool = 'rm /etc/halfpipe/conf.d/spool.yaml && systemctl restart halfpipe';

  test('NFS: a file that another machine writes is found by scanning (sshfs stands in)', async () => {
    const [mount, ...more] = blocks('A spool on NFS', 'sh');
    assert.ok(mount && more.length === 0);
    const nfs = 'nas:/export/spool /srv/nas nfs4 hard,';
    assert.ok(mount.includes(nfs));
    await must(`mknod /dev/fuse c 10 229
      useradd --non-unique --uid $(id -u halfpipe) --gid halfpipe --create-home --shell /bin/sh nas
      install -d /home/nas/.ssh && cp .ssh/id_ed25519.pub /home/nas/.ssh/authorized_keys
      install -d -o halfpipe -g halfpipe -m 2770 /export/spool`);
    await must(
      mount.replace(nfs, 'nas@nas:/export/spool /srv/nas fuse.sshfs allow_other,default_permissions,'),
    );
    await must(`install -m 0660 -g halfpipe photo.jpg /export/spool/.new
      mv /export/spool/.new /export/spool/from-elsewhere.bin`);
    await arrived('from-elsewhere.bin', PHOTO, { spool: '/export/spool' });
    await prints('A spool on NFS');
    await must(backToOwnSpool);
  });

  test('a disk that is full: the producer gets the error, and only whole files are sent', async () => {
    const image = join(folder, 'disk');
    writeFileSync(image, '');
    truncateSync(image, 64 * 2 ** 20);
    disk = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    await must(`mknod /dev/vdb b 7 ${disk.replace('/dev/loop', '')}`);
    const [server, ...more] = blocks('A disk with quotas', 'sh');
    assert.ok(server && more.length === 0);
    // This kernel may have no quotas: the disk's end is the limit.
    await must(
      server
        .replace(' -O quota', '')
        .replace(',usrquota', '')
        .replace(/^setquota .*\n/m, ''),
    );
    await must(`chmod 711 . && chmod 644 photo.jpg large.bin`);
    const other = `halfpipe pause && cp large.bin /srv/incoming/other`;
    await must(`${other} && runuser -u camera-1 -- sh -ec 'cd /srv/incoming/spool/camera-1
      cp /root/photo.jpg .whole && mv .whole whole.jpg'`);
    await prints('A disk with quotas');
    await must('test -s /srv/incoming/spool/camera-1/large.bin.part && halfpipe resume');
    await arrived('camera-1/whole.jpg', PHOTO, { spool: '/srv/incoming/spool' });
    await must(backToOwnSpool);
  });

  test('Prometheus scrapes it and takes the rules', async () => {
    for (const script of blocks('Prometheus', 'sh')) await must(script);
    await prints('Prometheus');
    assert.match(await must('curl -s localhost:9090/api/v1/rules'), /"HalfpipeDown"/);
  });

  test('a mail tells that it has failed, with the reason', async () => {
    for (const script of blocks('A mail when it fails', 'sh')) await must(script);
    await must(`echo 'link: { share: 250 % }' >/etc/halfpipe/conf.d/typo.yaml`);
    assert.notEqual((await run('systemctl restart halfpipe')).status, 0);
    await prints('A mail when it fails');
    await must('rm /etc/halfpipe/conf.d/typo.yaml && systemctl restart halfpipe');
  });

  test('all in all, nothing was sent twice, and nothing else', async () => {
    assert.deepEqual(halfpipe.server.bucket(BUCKET)?.keys(''), [...expected].sort());
    const told = (await halfpipe.journal()).match(/^uploaded .*/gm) ?? [];
    assert.equal(told.length, expected.size, told.join('\n'));
  });
});
