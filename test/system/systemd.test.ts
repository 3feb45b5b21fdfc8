import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotBoot } from '../support/booted-machine.ts';
import { BUCKET, buildPackage, InstalledHalfpipe, SPOOL } from '../support/installed-halfpipe.ts';

const SPOOLED = { files: 60, bytes: 200_000 };
const { version: VERSION } = JSON.parse(readFileSync('package.json', 'utf8'));
const EXAMPLES = '/usr/share/doc/halfpipe/examples';

/** What the README tells who installs the package to type, in order. */
function installation(): { readonly build: string; readonly install: string; readonly start: string } {
  const [, block = ''] = /```sh\n(npm run package[\s\S]*?)```/.exec(readFileSync('README.md', 'utf8')) ?? [];
  const [build, install, edit, start, ...more] = block.trim().split('\n');
  assert.ok(build && install && edit && start && more.length === 0, `the README has changed:\n${block}`);
  assert.match(edit, /^editor \/etc\/halfpipe\/halfpipe\.yaml \/etc\/halfpipe\/aws-credentials\b/);
  return { build, install, start };
}

// One machine, and its life in order: each test begins where the one before it ended.
describe('under systemd', { skip: cannotBoot() }, () => {
  const packages = mkdtempSync(join(tmpdir(), 'halfpipe-packages-'));
  let halfpipe: InstalledHalfpipe;
  const must = (script: string) => halfpipe.machine.must(script);

  before(async () => {
    halfpipe = await InstalledHalfpipe.prepare([buildPackage(VERSION, packages)]);
  });

  after(async () => {
    await halfpipe?.end();
    rmSync(packages, { recursive: true });
  });

  test('installs as the README says where there is no Node.js, enabled but not started', async () => {
    const { machine } = halfpipe;
    assert.notEqual((await machine.run('command -v node nodejs')).status, 0);
    const { build, install } = installation();
    assert.match(build, new RegExp(`^npm run package .*/halfpipe_${VERSION}_amd64\\.deb`));
    // Without a network but for us: nothing that it needs has to be fetched.
    const said = await must(`cd /root && ${install}`);
    assert.match(said, /set s3\.bucket, s3\.region \(or s3\.endpoint\) and link\.capacity/);
    assert.equal(await must('halfpipe --version'), `halfpipe ${VERSION}`);
    assert.equal(await must('systemctl is-enabled halfpipe'), 'enabled');
    assert.equal(await halfpipe.show('ActiveState'), 'inactive');
    assert.equal(await must(`stat -c '%A %U %G' ${SPOOL}`), 'drwxrws--T halfpipe halfpipe');
    assert.equal(await must('stat -c "%a %U" /etc/halfpipe/aws-credentials'), '600 root');
    assert.equal(await must('dpkg --verify halfpipe'), '');
    assert.match(await must('man -P cat 5 halfpipe.yaml'), /spool\.settle/);
    assert.match(await must('man -P cat 8 halfpipe'), /EXIT STATUS/);
  });

  test('fails for good without a bucket, and says why in systemctl status', async () => {
    assert.notEqual((await halfpipe.machine.run('systemctl start halfpipe')).status, 0);
    await delay(3000);
    assert.equal(await halfpipe.show('ActiveState'), 'failed');
    assert.equal(await halfpipe.show('ExecMainStatus'), '78');
    assert.equal(await halfpipe.show('NRestarts'), '0');
    const { stdout } = await halfpipe.machine.run('systemctl status halfpipe');
    assert.match(stdout, /Status: ".*halfpipe\.yaml: s3\.bucket is required/);
    assert.match(await must('journalctl -u halfpipe -p err -o cat'), /s3\.bucket is required/);
    assert.doesNotMatch(await halfpipe.journal(), /Killing process/, 'it leaves nobody behind');
  });

  test('drains after the edits and the command that the README names', async (t) => {
    await halfpipe.configure();
    assert.match(await must(installation().start), /ok {3}store {3}bucket inbox/);
    await tellTimeToReady(t);
    halfpipe.drop('first', SPOOLED.files, SPOOLED.bytes);
    const digests = await must(`sha256sum ${SPOOL}/first/* | cut -c 1-64`);
    await halfpipe.drained('first', SPOOLED.files);
    const bucket = halfpipe.server.bucket(BUCKET);
    const stored = bucket?.keys('first/').map((key) => sha256(readFileSync(bucket.fileOf(key))));
    assert.deepEqual(stored?.sort(), digests.split('\n').sort());
    assert.match(await must('halfpipe status'), /0 files to go|idle/);
  });

  async function tellTimeToReady(t: TestContext): Promise<void> {
    const [from, to] = await Promise.all([
      halfpipe.show('InactiveExitTimestampMonotonic'),
      halfpipe.show('ActiveEnterTimestampMonotonic'),
    ]);
    t.diagnostic(`READY ${Math.round((Number(to) - Number(from)) / 1000)} ms after systemctl start`);
  }

  test('is as tight as promised while it runs', async (t) => {
    const report = await must('systemd-analyze security --no-pager halfpipe');
    const score = Number(/Overall exposure level for halfpipe\.service: (\d+\.\d+)/.exec(report)?.[1]);
    t.diagnostic(`exposure ${score}`);
    // 0.3 for CAP_LEASE and the users of the host that it needs, 0.1 for capset(2), without which ip(8) refuses to run.
    assert.ok(score <= 1.7, `exposure is ${score}`);
  });

  test('reloads while uploading: a good file is taken, a bad one makes the reload fail, nothing is dropped', async () => {
    await halfpipe.edit({ capacity: '20 Mbit/s' });
    await must('systemctl reload halfpipe');
    const pid = await halfpipe.show('MainPID');
    halfpipe.drop('reload', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('reload');
    await halfpipe.edit({ share: '150 %' });
    assert.notEqual((await halfpipe.machine.run('systemctl reload halfpipe')).status, 0);
    const [told, ...more] = await halfpipe.entries('-u halfpipe -p err HALFPIPE_EVENT=reloadRefused');
    assert.match(
      String(told?.MESSAGE),
      /^reload refused, the old settings stay: .*halfpipe\.yaml:\d+: link\.share/,
    );
    assert.equal(more.length, 0);
    assert.equal(await halfpipe.show('ActiveState'), 'active');
    assert.match(await must('halfpipe status'), /target 10\.0 Mbit\/s/);
    // Whoever sends the signal does not learn of a refusal, so the status tells it.
    await must('kill -HUP $(systemctl show --value -p MainPID halfpipe)');
    const refused = /of 10\.0 Mbit\/s.* the last reload was refused: .*share/;
    await halfpipe.until('a word in the status', async () => refused.test(await halfpipe.show('StatusText')));
    await halfpipe.edit({ share: '50 %', capacity: '100 Mbit/s' });
    // What the environment sets counts, too, as it is now.
    await must("echo 'HALFPIPE_LINK_SHARE=half' > /etc/default/halfpipe");
    assert.notEqual((await halfpipe.machine.run('systemctl reload halfpipe')).status, 0);
    assert.match(
      await must('journalctl --sync && journalctl -u halfpipe -p err -o cat'),
      /environment: HALFPIPE_LINK_SHARE/,
    );
    await must('rm /etc/default/halfpipe && systemctl reload halfpipe');
    await halfpipe.until('the new target', async () =>
      /target 50\.0 Mbit\/s/.test(await must('halfpipe status')),
    );
    await halfpipe.drained('reload', SPOOLED.files);
    assert.equal(await halfpipe.show('MainPID'), pid);
    assert.equal(await halfpipe.show('ActiveState'), 'active');
    assert.doesNotMatch(await halfpipe.show('StatusText'), /refused/);
    assert.doesNotMatch(await halfpipe.journal(), /deferred/);
  });

  test('files of conf.d are read at a reload, and one that the service cannot read is refused', async () => {
    const file = '/etc/halfpipe/conf.d/10-share.yaml';
    await must(`printf 'link:\\n  share: 40 %%\\n' >${file} && systemctl reload halfpipe`);
    await halfpipe.until('the new target', async () =>
      /target 40\.0 Mbit\/s/.test(await must('halfpipe status')),
    );
    assert.match(await must('halfpipe config show'), new RegExp(`^  share: 40 % +# ${file}:2$`, 'm'));
    assert.match(await halfpipe.journal(), new RegExp(`^config: ${file} is read from now on$`, 'm'));
    await must(`chmod 0600 ${file}`);
    const unreadable = `${file}: may not be read by user halfpipe`;
    assert.notEqual((await halfpipe.machine.run('systemctl reload halfpipe')).status, 0);
    assert.ok((await must('journalctl --sync && journalctl -u halfpipe -p err -o cat')).includes(unreadable));
    const check = await halfpipe.machine.run('halfpipe check');
    assert.deepEqual([check.status, check.output.includes(unreadable)], [78, true], check.output);
    await must(`rm ${file} && systemctl reload halfpipe`);
    await halfpipe.until('the old target', async () =>
      /target 50\.0 Mbit\/s/.test(await must('halfpipe status')),
    );
  });

  test('a key that was renewed in its file is used after a reload, and so is a wrong one', async () => {
    const key = '/etc/halfpipe/aws-credentials';
    const pid = await halfpipe.show('MainPID');
    await must(`cp -p ${key} /root/key && sed -i '/secret/s/=.*/= not-the-secret/' ${key}
      systemctl reload halfpipe`);
    halfpipe.drop('renewed', 3, 1_000);
    await halfpipe.until('the wrong key is told', async () =>
      /SignatureDoesNotMatch/.test(await halfpipe.show('StatusText')),
    );
    await must(`mv /root/key ${key} && systemctl reload halfpipe`);
    await halfpipe.drained('renewed', 3);
    assert.equal(await halfpipe.show('MainPID'), pid);
  });

  test('stops under load, keeps what is not proven, and finishes after the next start', async () => {
    halfpipe.drop('stop', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('stop');
    await must('systemctl stop halfpipe');
    assert.equal(await halfpipe.show('Result'), 'success');
    const { stored, left } = halfpipe.count('stop');
    assert.ok(left > 0 && stored + left >= SPOOLED.files, `${stored} stored, ${left} left`);
    await must('systemctl start halfpipe');
    await halfpipe.drained('stop', SPOOLED.files);
  });

  test('is restarted after SIGKILL and finishes', async () => {
    halfpipe.drop('kill', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('kill');
    await must('systemctl kill --kill-whom=main --signal=KILL halfpipe');
    await halfpipe.drained('kill', SPOOLED.files);
    assert.equal(await halfpipe.show('NRestarts'), '1');
  });

  test('a start that fails is a line or two a minute, and it is up soon when the spool is back', async (t) => {
    const { machine } = halfpipe;
    await must(`systemctl stop halfpipe && mv ${SPOOL} ${SPOOL}.away`);
    await delay(1_500);
    const since = await must('date +%s');
    assert.notEqual((await machine.run('systemctl start halfpipe')).status, 0, 'it fails when typed');
    await halfpipe.until('it waits', async () =>
      /tries again by itself/.test(await halfpipe.show('StatusText')),
    );
    assert.equal(await halfpipe.show('ActiveState'), 'activating');
    const lines = async () => Number(await must(`journalctl -u halfpipe --since=@${since} -o cat | wc -l`));
    const first = await lines();
    await delay(60_000);
    const later = (await lines()) - first;
    t.diagnostic(`${first} lines when it failed, ${later} in the minute after`);
    assert.ok(first <= 16 && later <= 2, `${first} and ${later} lines`);
    await must(`mv ${SPOOL}.away ${SPOOL}`);
    const begunMs = performance.now();
    await halfpipe.until('it is up', async () => (await halfpipe.show('ActiveState')) === 'active');
    t.diagnostic(`up ${((performance.now() - begunMs) / 1000).toFixed(1)} s after the spool was back`);
  });

  test('is killed by the watchdog when it hangs, is restarted and finishes', async () => {
    await must(`mkdir -p /etc/systemd/system/halfpipe.service.d
      printf '[Service]\\nWatchdogSec=3s\\n' > /etc/systemd/system/halfpipe.service.d/watchdog.conf
      systemctl daemon-reload && systemctl restart halfpipe`);
    halfpipe.drop('hang', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('hang');
    await must('systemctl kill --kill-whom=main --signal=STOP halfpipe');
    await halfpipe.drained('hang', SPOOLED.files);
    assert.match(await halfpipe.journal(), /Watchdog timeout/);
    await must(
      `rm -r /etc/systemd/system/halfpipe.service.d && systemctl daemon-reload && systemctl restart halfpipe`,
    );
  });

  test('tells 10,000 small files one by one, and the journal drops no line', async () => {
    halfpipe.drop('storm', 10_000, 200);
    await halfpipe.drained('storm', 10_000);
    const count = `journalctl --sync; journalctl -u halfpipe -o cat --no-pager | grep -c 'uploaded storm/'`;
    await halfpipe.until('all are told of', async () => (await must(count)) === '10000');
    assert.equal((await halfpipe.machine.run('journalctl -o cat --no-pager | grep Suppressed')).stdout, '');
  });

  test('leaves a file of another user alone until that has closed it', async () => {
    const name = 'recording.bin';
    // Longer than a file that was written in place waits for its next change.
    const pieces = 'printf one; sleep 45; printf two';
    await must(`useradd --system --groups halfpipe camera
      systemd-run --unit=camera -p User=camera -p Group=halfpipe -p UMask=0007 sh -c '(${pieces}) > ${SPOOL}/${name}'`);
    await halfpipe.until('it is found open', async () =>
      /1 still being written/.test(await must('halfpipe status')),
    );
    assert.equal(await must('systemctl is-active camera'), 'active');
    assert.equal(halfpipe.server.bucket(BUCKET)?.keys(name).length, 0);
    await halfpipe.until('it is sent', () => halfpipe.server.bucket(BUCKET)?.keys(name).length === 1);
    const bucket = halfpipe.server.bucket(BUCKET);
    assert.equal(bucket && readFileSync(bucket.fileOf(name), 'utf8'), 'onetwo');
    assert.match(await halfpipe.journal(), /^recording\.bin is still open for writing/m);
  });

  test('is told in prose by the journal, troubles apart, and no secret is in it', async () => {
    const journal = await halfpipe.journal();
    assert.match(journal, /^uploaded first\/\d+\.bin, .* verified and deleted$/m);
    assert.doesNotMatch(journal, /^\{/m);
    assert.doesNotMatch(await must('journalctl -u halfpipe -p warning -o cat'), /verified and deleted/);
    assert.doesNotMatch(journal, /a-secret-that-no-line-may-show/);
  });

  test('every entry of the journal has its fields, which no file name can forge', async () => {
    const name = 'a\nPRIORITY=0\nHALFPIPE_EVENT=paused\n.bin';
    const pauses = (await halfpipe.entries('HALFPIPE_EVENT=paused')).length;
    halfpipe.dropFile(name, 'x');
    await halfpipe.until('it is told', async () => /uploaded a.x0aPRIORITY/.test(await halfpipe.journal()));
    const [entry] = await halfpipe.entries(`HALFPIPE_EVENT=uploaded HALFPIPE_BYTES=1`);
    assert.equal(entry?.HALFPIPE_KEY, name);
    assert.equal(entry?.PRIORITY, '6');
    assert.equal(entry?.SYSLOG_IDENTIFIER, 'halfpipe');
    assert.equal(entry?.SYSLOG_PID, await halfpipe.show('MainPID'));
    for (const field of ['FILE', 'DURATION_MS', 'VERIFIED_BY', 'SHA256'])
      assert.ok(entry?.[`HALFPIPE_${field}`] !== undefined, field);
    assert.equal((await halfpipe.entries('HALFPIPE_EVENT=paused')).length, pauses);
    const [summary] = await halfpipe.entries('HALFPIPE_EVENT=summary');
    assert.ok(JSON.parse(String(summary?.HALFPIPE_BACKLOG)).files > 0);
  });

  test('goes on without the fields when their helper is killed, and loses no line', async () => {
    const pid = await halfpipe.show('MainPID');
    halfpipe.drop('helper', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('helper');
    await must(
      `for child in $(cat /proc/${pid}/task/${pid}/children); do
        ! grep -q ^halfpipe-journal /proc/$child/cmdline || kill -KILL $child; done`,
    );
    await halfpipe.drained('helper', SPOOLED.files);
    await must('journalctl --sync');
    const told = new Set((await halfpipe.journal()).match(/^uploaded helper\/\d+/gm));
    assert.equal(told.size, SPOOLED.files);
    assert.match(await must('journalctl -u halfpipe -p warning -o cat'), /journal entries have no fields/);
    assert.equal(await halfpipe.show('MainPID'), pid);
    await must('systemctl restart halfpipe');
  });

  test('drains on while journald is away, and is told of again after it', async () => {
    const pid = await halfpipe.show('MainPID');
    halfpipe.drop('before', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('before');
    await must('systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald');
    halfpipe.drop('away', 5, 100);
    await halfpipe.drained('before', SPOOLED.files);
    await halfpipe.drained('away', 5);
    await must('systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald');
    halfpipe.drop('again', 5, 100);
    await halfpipe.drained('again', 5);
    await halfpipe.until('it is told of', async () => /uploaded again\//.test(await halfpipe.journal()));
    assert.equal(await halfpipe.show('MainPID'), pid);
    assert.equal(await halfpipe.show('NRestarts'), '0');
  });

  test('drains another spool with another key, by the examples that come with the package', async () => {
    const drop = '/etc/systemd/system/halfpipe.service.d';
    await must(`$(sed -n 's/^#  *\\(install .*\\)/\\1/p' ${EXAMPLES}/spool-elsewhere.conf)`);
    await halfpipe.edit({ path: '/srv/incoming' });
    assert.notEqual((await halfpipe.machine.run('systemctl restart halfpipe')).status, 0);
    assert.match(await halfpipe.show('StatusText'), /cannot create \/srv\/incoming.*ReadWritePaths=/);
    await must(`mkdir -p ${drop} /root/keys && mv /etc/halfpipe/aws-credentials /root/keys/halfpipe
      cp ${EXAMPLES}/spool-elsewhere.conf ${EXAMPLES}/credentials.conf ${drop}
      systemctl daemon-reload && systemctl restart halfpipe`);
    halfpipe.drop('elsewhere', 10, 1_000, '/srv/incoming');
    await halfpipe.drained('elsewhere', 10, '/srv/incoming');
    // The key that the drop-in names, and the spool that it lets the service write to.
    assert.match(await must('halfpipe check'), /^ok +spool +\/srv\/incoming[\s\S]*^ok +store +bucket/m);
    await halfpipe.edit({ path: SPOOL });
    await must(`mv /root/keys/halfpipe /etc/halfpipe/aws-credentials && rm -r ${drop}
      systemctl daemon-reload && systemctl restart halfpipe`);
  });

  test('serves metrics in its sandbox to clients with the token, by the example that comes with the package', async () => {
    const drop = '/etc/systemd/system/halfpipe.service.d';
    await must(`mkdir -p ${drop} && (umask 077 && openssl rand -hex 32 >/etc/halfpipe/observe-token)
      cp ${EXAMPLES}/observe-token.conf ${drop} && echo HALFPIPE_OBSERVE_LISTEN=9464 >/etc/default/halfpipe
      systemctl daemon-reload && systemctl restart halfpipe`);
    const scrape = (token: string) => `python3 -c '
import urllib.request
request = urllib.request.Request("http://localhost:9464/metrics", headers={"Authorization": "Bearer '${token}'"})
print(urllib.request.urlopen(request).read().decode())'`;
    assert.match(
      await must(scrape('$(cat /etc/halfpipe/observe-token)')),
      /^halfpipe_up\{unit="halfpipe"\} 1$/m,
    );
    const { status, output } = await halfpipe.machine.run(scrape('wrong'));
    assert.notEqual(status, 0);
    assert.match(output, /HTTP Error 401/);
    await must(
      `rm -r ${drop} /etc/default/halfpipe && systemctl daemon-reload && systemctl restart halfpipe`,
    );
  });

  test('takes files over HTTPS at a socket that systemd opens, and is started by a producer, by the examples', async () => {
    const drop = '/etc/systemd/system/halfpipe.service.d';
    await must(`cd ${EXAMPLES}
      openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=localhost -addext subjectAltName=DNS:localhost \\
        -keyout /etc/halfpipe/ingest.key -out /etc/halfpipe/ingest.pem 2>/dev/null
      chmod 0600 /etc/halfpipe/ingest.key
      echo HALFPIPE_INGEST_TOKENS_FILE=/etc/halfpipe/ingest-tokens.json >/etc/default/halfpipe
      for file in ingest ingest-tls; do install -D -m 0644 $file.conf ${drop}/$file.conf; done`);
    // What the example itself says.
    const said = (await must(`cat ${EXAMPLES}/halfpipe-ingest.socket`)).matchAll(/^# {3}(.*)$/gm);
    const [socket = '', dropIn = '', stop = '', start = '', ...more] = [...said].map(([, step]) => step);
    assert.deepEqual(more, []);
    await must(`cd ${EXAMPLES} && ${socket} && ${dropIn} && systemctl daemon-reload`);
    assert.match(
      await must('halfpipe check || true'),
      /^FAIL +ingest +the socket of halfpipe-ingest\.socket is not open: systemctl stop halfpipe && systemctl enable --now/m,
    );
    await must(`${stop} && ${start}`);
    const token = await must('halfpipe token add camera-7 --prefix camera-7/ 2>/dev/null');
    assert.equal(await must("stat -c '%a %U %G' /etc/halfpipe/ingest-tokens.json"), '640 root halfpipe');
    assert.match(
      await must('halfpipe check'),
      /^ok +ingest +systemd listens on \[::\]:443 \(halfpipe-ingest\.socket\)\n(.*\n)*ok +ingest +the certificate for localhost fits/m,
    );
    const send = (name: string) => `timeout 60 python3 -c '
import http.client, ssl
door = http.client.HTTPSConnection("localhost", context=ssl.create_default_context(cafile="/etc/halfpipe/ingest.pem"))
door.request("PUT", "/v1/files/camera-7/${name}", b"x" * 1000, {"Authorization": "Bearer ${token}"})
print(door.getresponse().status)'`;
    assert.equal(await must(send('one.jpg')), '201');
    const niceness = `ps -L -o nice=,comm= -p $(systemctl show -P MainPID halfpipe) | sort -n | tail -1`;
    assert.match(await must(niceness), /^ *15 halfpipe ingest/);
    assert.equal(await must(`systemctl stop halfpipe >/dev/null 2>&1; ${send('two.jpg')}`), '201');
    const keys = () => halfpipe.server.bucket(BUCKET)?.keys('camera-7/');
    await halfpipe.until('both are in the bucket', () => keys()?.length === 2);
    assert.deepEqual(keys(), ['camera-7/one.jpg', 'camera-7/two.jpg']);
    const told = () => halfpipe.entries('HALFPIPE_EVENT=ingested');
    await halfpipe.until('they are told of', async () => (await told()).length > 0);
    assert.equal((await told())[0]?.HALFPIPE_TOKEN_NAME, 'camera-7');
    assert.ok(!(await halfpipe.journal()).includes(token));
    await must(`systemctl disable --now halfpipe-ingest.socket && rm -r ${drop} /etc/default/halfpipe
      rm /etc/systemd/system/halfpipe-ingest.socket && systemctl daemon-reload && systemctl restart halfpipe`);
  });

  test('writes metrics for node_exporter, and tells that it has failed, by the examples', async () => {
    const drop = '/etc/systemd/system/halfpipe.service.d';
    await must(`mkdir -p ${drop} /var/lib/prometheus/node-exporter && cd ${EXAMPLES}
      cp halfpipe-metrics.* /etc/systemd/system && cp on-failure.conf ${drop}
      sed 's|^ExecStart=.*|ExecStart=sh -c "echo %i >/run/told"|' halfpipe-failed@.service >/etc/systemd/system/halfpipe-failed@.service
      systemctl daemon-reload && systemctl start halfpipe-metrics.service`);
    const page = 'cat /var/lib/prometheus/node-exporter/halfpipe.prom';
    assert.match(await must(page), /^halfpipe_deleted_files_total\{unit="halfpipe"\} \d+$/m);
    await halfpipe.edit({ share: '250 %' });
    assert.notEqual((await halfpipe.machine.run('systemctl restart halfpipe')).status, 0);
    await halfpipe.until(
      'it is told',
      async () => (await halfpipe.machine.run('cat /run/told')).status === 0,
    );
    assert.equal((await must('cat /run/told')).trim(), 'halfpipe.service');
    await must('systemctl start halfpipe-metrics.service');
    assert.match(await must(page), /^halfpipe_up\{unit="halfpipe"\} 0$/m);
    await halfpipe.edit({ share: '50 %' });
    await must(
      `rm -r ${drop} /etc/systemd/system/halfpipe-* && systemctl daemon-reload && systemctl restart halfpipe`,
    );
  });

  test('takes files over HTTP into new folders, which local producers use as before', async () => {
    const settings =
      'HALFPIPE_INGEST_LISTEN=8080 HALFPIPE_INGEST_TOKENS_FILE=/etc/halfpipe/ingest-tokens.json';
    await must(`printf '%s\n' ${settings} >/etc/default/halfpipe && systemctl restart halfpipe`);
    const token = /hp_\w+/.exec(await must('halfpipe token add lidar'))?.[0];
    await must(`systemctl restart halfpipe && halfpipe pause && useradd --system --groups halfpipe lidar`);
    const dial = `python3 -c 'import socket; socket.create_connection(("localhost", 8080))'`;
    await halfpipe.until('it listens', async () => (await halfpipe.machine.run(dial)).status === 0);
    const put = (path: string) => `python3 -c '
import urllib.request
request = urllib.request.Request("http://localhost:8080/v1/files/${path}", b"x", {"Authorization": "Bearer ${token}", "Content-Type": "application/octet-stream"}, method="PUT")
print(urllib.request.urlopen(request).status)'`;
    assert.equal(await must(put('scans/today/first.bin')), '201');
    for (const folder of ['scans', 'scans/today'])
      assert.equal(await must(`stat -c '%A %U %G' ${SPOOL}/${folder}`), 'drwxrws--T halfpipe halfpipe');
    const asLidar = (script: string) =>
      halfpipe.machine.run(`setpriv --reuid lidar --regid lidar --init-groups sh -c '
      umask 0007; cd ${SPOOL}/scans/today && ${script}'`);
    assert.equal((await asLidar('echo x >local.bin')).status, 0);
    assert.notEqual((await asLidar('rm -f first.bin')).status, 0);
    await must('halfpipe resume');
    const bucket = halfpipe.server.bucket(BUCKET);
    await halfpipe.until('both are sent', () => bucket?.keys('scans/today/').length === 2);
    await must('rm /etc/default/halfpipe && systemctl restart halfpipe');
  });

  test('sends small files in packets from its sandbox, tells of each in the journal, and brings one back', async () => {
    await must(`echo 'HALFPIPE_PACKETS_ENABLED=true' >/etc/default/halfpipe && systemctl restart halfpipe`);
    halfpipe.drop('packed', 300, 2000);
    const digest = await must(`sha256sum ${SPOOL}/packed/7.bin | cut -c 1-64`);
    await halfpipe.until('they are sent', () => halfpipe.count('packed').left === 0);
    assert.equal(halfpipe.count('packed').stored, 0);
    const { length: stored } = halfpipe.server.bucket(BUCKET)?.keys('packets/') ?? [];
    assert.ok(stored > 0 && stored <= 3, `${stored} packets for 300 files`);
    const entryOf = (name: string) => halfpipe.entries(`-u halfpipe HALFPIPE_FILE=${name}`);
    await halfpipe.until('the journal has it', async () => (await entryOf('packed/7.bin')).length > 0);
    const [entry, ...more] = await entryOf('packed/7.bin');
    assert.equal(more.length, 0);
    assert.match(String(entry?.HALFPIPE_KEY), /^packets\/.*\.zip$/);
    assert.equal(
      await must(`cd /root && halfpipe fetch ${entry?.HALFPIPE_KEY} packed/7.bin | sha256sum | cut -c 1-64`),
      digest,
    );
    assert.match(await must('halfpipe status'), /packet/);
    await must('rm /etc/default/halfpipe && systemctl restart halfpipe');
  });

  test('two instances on one link stay at the target together', async (t) => {
    for (const name of ['north', 'south']) {
      await must(`install -d -o halfpipe -g halfpipe -m 3770 ${SPOOL}-${name}
        sed 's|path: ${SPOOL}$|path: ${SPOOL}-${name}|' /etc/halfpipe/halfpipe.yaml > /etc/halfpipe/${name}.yaml
        cp -p /etc/halfpipe/aws-credentials /etc/halfpipe/${name}.aws-credentials
        systemctl start halfpipe@${name}`);
      halfpipe.drop(name, 1_500, SPOOLED.bytes, `${SPOOL}-${name}`);
    }
    // What was written in place waits for a while.
    await halfpipe.until('both are at work', async () =>
      ['north', 'south'].every((name) => halfpipe.count(name, `${SPOOL}-${name}`).stored >= 10),
    );
    await must(`echo 'no: section' >> /etc/halfpipe/north.yaml`);
    assert.notEqual((await halfpipe.machine.run('systemctl reload halfpipe@north')).status, 0);
    assert.match(
      await must('journalctl -u halfpipe@north -p err -o cat'),
      /north\.yaml:\d+: no is not an option/,
    );
    assert.match(
      await must('halfpipe check --config-only --instance south'),
      /^ok +config +\/etc\/halfpipe\/south/,
    );
    assert.equal((await halfpipe.machine.run('halfpipe check --config-only --instance north')).status, 78);
    assert.match(await must('halfpipe status --instance south'), /backlog +[\d,]+ files?,|backlog +empty/);
    const sent = halfpipe.machine.sentBytes();
    const from = performance.now();
    await delay(8000);
    const bitsPerSec = ((halfpipe.machine.sentBytes() - sent) * 8000) / (performance.now() - from);
    const [north, south] = ['north', 'south'].map((name) => halfpipe.count(name, `${SPOOL}-${name}`));
    await must(`systemctl stop 'halfpipe@*'`);
    const shares = `north ${north?.stored}, south ${south?.stored} of 1,500 files`;
    t.diagnostic(`two instances: ${(bitsPerSec / 1e6).toFixed(2)} of 50 Mbit/s; ${shares}`);
    assert.ok(
      north !== undefined && south !== undefined && north.left > 0 && south.left > 0,
      'both still at work',
    );
    assert.ok(bitsPerSec > 45e6 && bitsPerSec < 52e6, `together ${bitsPerSec} bit/s`);
  });

  test('comes back by itself when the machine is rebooted in mid-drain', async () => {
    halfpipe.drop('reboot', SPOOLED.files, SPOOLED.bytes);
    await halfpipe.underWay('reboot');
    await halfpipe.machine.reboot();
    await halfpipe.drained('reboot', SPOOLED.files);
    assert.equal(await halfpipe.show('ActiveState'), 'active');
  });
});

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
