import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cannotBoot } from '../support/booted-machine.ts';
import { buildImage, podmanMachine, settlePodman } from '../support/container-image.ts';
import { cannotMakeRoot } from '../support/debian-root.ts';
import { BUCKET, buildPackage, InstalledHalfpipe, KEYS } from '../support/installed-halfpipe.ts';

const { version: VERSION } = JSON.parse(readFileSync('package.json', 'utf8'));
const FILES = 'systemd/container';

/** What the manual tells to type after `heading`, line by line, without comments. */
function linesAfter(heading: string): readonly string[] {
  const [, section = ''] = readFileSync('config/OPERATING.md', 'utf8').split(`${heading}\n`);
  const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  return block
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''));
}

// One machine with podman; each test runs the same image in another way, and leaves nothing running.
describe('in a container', { skip: cannotBoot() || cannotMakeRoot() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-image-'));
  let halfpipe: InstalledHalfpipe;
  const must = (script: string) => halfpipe.machine.must(`cd /root && ${script}`);
  const path = (file: string) => halfpipe.machine.path(file);

  before(async () => {
    const archive = join(folder, 'image.tar');
    const [packaging, build, ...more] = linesAfter('### The image');
    assert.ok(packaging === 'npm run package' && build && more.length === 0);
    buildImage(build, buildPackage(VERSION, folder), archive);
    halfpipe = await InstalledHalfpipe.prepare([archive], podmanMachine());
    settlePodman(path);
    await must('podman load -q -i image.tar && rm image.tar');
    const { accessKeyId, secretAccessKey } = KEYS;
    const key = `[default]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    for (const place of ['root', 'root/compose']) {
      mkdirSync(path(place), { recursive: true });
      writeFileSync(path(`${place}/aws-credentials`), key, { mode: 0o600 });
      writeFileSync(path(`${place}/halfpipe.yaml`), config());
    }
  });

  after(async () => {
    await halfpipe?.end();
    rmSync(folder, { recursive: true });
  });

  const config = () =>
    [
      `s3: { bucket: ${BUCKET}, region: us-east-1, endpoint: "${halfpipe.server.endpoint}", forcePathStyle: true }`,
      'link: { capacity: 100 Mbit/s }\nspool: { settle: 0 s }\n',
    ].join('\n');

  /** As a producer on the host, who is in no group of the container. */
  const drain = async (name: string) => {
    halfpipe.dropFile(name, name);
    await halfpipe.until(
      `${name} to be drained`,
      () => halfpipe.server.bucket(BUCKET)?.keys(name).length === 1,
    );
  };

  test('the image has what the program needs, and no shell of a distribution besides', async () => {
    const { Config, Healthcheck } = JSON.parse(
      await must('podman image inspect --format "{{json .}}" localhost/halfpipe'),
    );
    const { User, Entrypoint } = Config;
    assert.equal(User, '10001:10001');
    assert.deepEqual(Healthcheck?.Test, ['CMD', 'halfpipe', 'status']);
    assert.match(Entrypoint.join(' '), /^\/bin\/sh -c umask 0007/);
    await must('mkdir tree && podman save localhost/halfpipe | tar -x -C tree && cd tree && tar -xf *.tar');
    const programs = execFileSync('ls', [path('root/tree/usr/bin')], { encoding: 'utf8' });
    assert.equal(programs.trim().split('\n').join(' '), 'halfpipe ip perl sh');
    await must('rm -r tree');
  });

  test('runs as a Quadlet unit as the manual says: unprivileged, read-only, healthy', async () => {
    copyFileSync(`${FILES}/halfpipe.container`, path('root/halfpipe.container'));
    // Here the control groups are not ours to split.
    mkdirSync(path('etc/containers/systemd/halfpipe.container.d'), { recursive: true });
    writeFileSync(
      path('etc/containers/systemd/halfpipe.container.d/test.conf'),
      '[Container]\nPodmanArgs=--cgroups=disabled\n',
    );
    const lines = linesAfter('### Podman and systemd');
    for (const line of lines.slice(0, -1)) await must(line);
    await halfpipe.until('the daemon to be ready', async () =>
      /"ready"/.test(await must('podman logs halfpipe 2>&1')),
    );
    assert.match(
      await must(lines.at(-1) ?? ''),
      /ok {3}store {3}bucket inbox: an object was put whole and one in parts/,
    );
    await drain('quadlet.txt');
    // CAP_LEASE at work: root writes this file, and the service asks the kernel about it.
    const held =
      'cd /var/spool/halfpipe && umask 0007 && exec 3>held.txt && chgrp 10001 held.txt && echo held >&3';
    await must('mkfifo -m 600 end');
    const writer = halfpipe.machine.run(`${held} && read end </root/end`);
    const told = async () => /1 still being written/.test(await must('podman exec halfpipe halfpipe status'));
    await halfpipe.until('the open file to be told of', told);
    await must('echo >end');
    await writer;
    await halfpipe.until(
      'it to be drained',
      () => halfpipe.server.bucket(BUCKET)?.keys('held.txt').length === 1,
    );
    await must('podman healthcheck run halfpipe');
    const status = await must('cat /proc/$(podman inspect -f "{{.State.Pid}}" halfpipe)/status');
    assert.match(status, /^Uid:\t10001\t10001\t10001\t10001$/m);
    // CAP_LEASE alone, number 28.
    assert.match(status, /^CapEff:\t0000000010000000$/m);
    assert.match(status, /^NoNewPrivs:\t1$/m);
    const writing = await halfpipe.machine.run('podman exec halfpipe sh -c "echo >/etc/halfpipe/new"');
    assert.match(writing.output, /Read-only file system/);
    await must('systemctl stop halfpipe');
    assert.equal(await must('systemctl show -P Result halfpipe'), 'success');
    assert.match(await must('journalctl -u halfpipe -o cat --no-pager'), /"event":"stopped"/);
  });

  test('runs by the Compose file', async () => {
    copyFileSync(`${FILES}/compose.yaml`, path('root/compose/compose.yaml'));
    const lines = linesAfter('### Compose');
    for (const line of lines) await must(`cd compose && ${line.replace('docker compose', 'podman-compose')}`);
    await drain('compose.txt');
    await must('podman exec compose_halfpipe_1 halfpipe status && cd compose && podman-compose down');
  });

  test('runs by the manifest for Kubernetes', async () => {
    const manifest = readFileSync(`${FILES}/kubernetes.yaml`, 'utf8')
      .replace(/( +)s3:\n[\s\S]*?(?=---)/, (_, indent: string) => config().replace(/^(?=.)/gm, indent))
      .replace('AKIDEXAMPLE', KEYS.accessKeyId)
      .replace('the-secret', KEYS.secretAccessKey)
      // Podman gives no group to a secret, as fsGroup says; and sets no limits without control groups.
      .replace('defaultMode: 0440', 'defaultMode: 0444')
      .replace(/^ +resources:\n( +)requests:[\s\S]*?(?=\n +# Alive)/m, '');
    writeFileSync(path('root/kubernetes.yaml'), manifest);
    await must('rm -r /var/spool/halfpipe && podman kube play kubernetes.yaml');
    await halfpipe.until('the spool', async () =>
      /"ready"/.test(await must('podman logs halfpipe-pod-halfpipe 2>&1')),
    );
    await drain('kubernetes.txt');
    const [, liveness] = /livenessProbe:[\s\S]*?command: \[sh, -c, '(.*)'\]/.exec(manifest) ?? [];
    assert.ok(liveness);
    await must(`podman exec halfpipe-pod-halfpipe sh -c '${liveness}'`);
    await must('podman kube down kubernetes.yaml');
  });
});
