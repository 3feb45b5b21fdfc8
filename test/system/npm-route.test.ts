import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cannotBoot } from '../support/booted-machine.ts';
import { cannotMakeRoot, type DebianRelease, debianRoot } from '../support/debian-root.ts';
import { InstalledHalfpipe, packNpmPackage, SPOOL } from '../support/installed-halfpipe.ts';
import { nodeLayer } from '../support/node-layer.ts';

const { version: VERSION } = JSON.parse(readFileSync('package.json', 'utf8'));
const NEXT_VERSION = '99.0.1';
/** The oldest one that is accepted, and the one that the Debian package carries, each with the npm of its time. */
const [OLDEST, NEWEST] = [
  { node: '22.19.0', npm: '10.9.3' },
  { node: '24.21.0', npm: '11.21.2' },
];

/** What the manual tells to type, in order, without its comments. */
function linesOf(block: RegExp): readonly string[] {
  const [, text = ''] = block.exec(readFileSync('config/OPERATING.md', 'utf8')) ?? [];
  const lines = text.replaceAll('\\\n', '').split('\n').slice(0, -1);
  return lines.map((line) => line.replace(/\s+#.*$/, ''));
}

const INSTALLATION = linesOf(/```sh\n(npm run package:npm[\s\S]*?)```/);
const UPGRADE = linesOf(/To upgrade, [^\n]*\n\n```sh\n([\s\S]*?)```/);
const REMOVAL = linesOf(/To remove halfpipe[^\n]*\n\n```sh\n([\s\S]*?)```/);

const packages = mkdtempSync(join(tmpdir(), 'halfpipe-npm-'));
let packed: readonly string[] | undefined;
after(() => rmSync(packages, { recursive: true }));

const skip = cannotBoot() || cannotMakeRoot();

for (const release of [12, 13] as const)
  describe(`npm on Debian ${release}`, { skip }, () => {
    let halfpipe: InstalledHalfpipe;
    const must = (script: string) => halfpipe.machine.must(`cd /root && ${script}`);

    before(async () => {
      packed ??= [VERSION, NEXT_VERSION].map((version) => packNpmPackage(version, packages));
      // Without a network but for us: what npm would fetch, it could not.
      halfpipe = await InstalledHalfpipe.prepare(packed, layersOf(release));
      await must(`mkdir next && mv halfpipe-${NEXT_VERSION}.tgz next`);
    });

    after(() => halfpipe?.end());

    test('installs as the manual says', async () => {
      const [pack, install, setUp, edit, ...more] = INSTALLATION;
      assert.ok(pack && install && setUp && edit && more.length === 1, INSTALLATION.join('\n'));
      assert.match(install, /^npm install -g \.\//);
      const said = await must(`${install} 2>&1`);
      if (release === 13) {
        // Debian's own Node.js: npm warns, and the program says what to do.
        assert.match(said, /EBADENGINE/);
        const { status, output } = await halfpipe.machine.run('halfpipe check');
        assert.equal(status, 78);
        assert.match(output, /^halfpipe: Node\.js 22\.19 or newer is needed, and this is v20\..*: install/);
        placeNode(halfpipe, OLDEST);
      }
      await must(setUp);
      assert.equal(await must('halfpipe --version'), `halfpipe ${VERSION}`);
      assert.equal(await must(`stat -c '%A %U %G' ${SPOOL}`), 'drwxrws--T halfpipe halfpipe');
      assert.equal(await must('stat -c "%a %U" /etc/halfpipe/aws-credentials'), '600 root');
      assert.match(await must('man -P cat 5 halfpipe.yaml'), /spool\.settle/);
      assert.match(await must('man -P cat 8 halfpipe'), /EXIT STATUS/);
      assert.match(
        await must('cat /usr/local/share/bash-completion/completions/halfpipe'),
        /complete -F _halfpipe/,
      );
      assertPinned(halfpipe);
    });

    test('the script refuses what could not work, and names the cause', async () => {
      const script = INSTALLATION[2] ?? '';
      const refusal = async (given: string, undo: string) => {
        const { status, output } = await halfpipe.machine.run(
          `cd /root; script=${script}; ${given}; "$script"`,
        );
        await must(undo);
        assert.equal(status, 1, output);
        return output;
      };
      const unit = '/usr/lib/systemd/system/halfpipe.service';
      assert.match(
        await refusal(`touch ${unit}`, `rm ${unit}`),
        /^the Debian package of halfpipe is installed/,
      );
      const nvm = 'mkdir nvm && touch nvm/halfpipe && chmod +x nvm/halfpipe && PATH=$PWD/nvm:$PATH';
      assert.match(await refusal(nvm, 'rm -r nvm'), /^\/root\/nvm\/halfpipe: the service cannot read a home/);
      const elsewhere = 'mv /usr/bin/node /opt/node && PATH=$PATH:/opt';
      assert.match(await refusal(elsewhere, 'mv /opt/node /usr/bin/node'), /^\/opt\/node: the service looks/);
    });

    test('checks and drains after the edits and the command that the manual names', async () => {
      await halfpipe.configure();
      await halfpipe.edit({ settle: '0 s' });
      const said = await must(INSTALLATION.at(-1) ?? '');
      assert.match(said, /ok {3}spool[\s\S]*ok {3}store {3}bucket inbox/);
      assert.equal(await must('systemctl is-enabled halfpipe'), 'enabled');
      assert.equal(await must('halfpipe quarantine list'), 'the quarantine is empty');
      halfpipe.drop('first', 20, 100_000);
      await halfpipe.drained('first', 20);
    });

    test('goes on with a newer Node.js', async () => {
      placeNode(halfpipe, NEWEST);
      await must('halfpipe check && systemctl restart halfpipe');
      halfpipe.drop('second', 20, 100_000);
      await halfpipe.drained('second', 20);
      assert.match(
        await must('readlink /proc/$(systemctl show -P MainPID halfpipe)/exe'),
        /^\/usr\/bin\/node$/,
      );
    });

    test('is upgraded as the manual says, and keeps its config', async () => {
      const config = await must('cat /etc/halfpipe/halfpipe.yaml');
      await must(`mv halfpipe-${VERSION}.tgz /tmp && mv next/* .`);
      for (const line of UPGRADE) await must(line);
      assert.equal(await must('halfpipe --version'), `halfpipe ${NEXT_VERSION}`);
      assert.equal(await must('cat /etc/halfpipe/halfpipe.yaml'), config);
      halfpipe.drop('third', 20, 100_000);
      await halfpipe.drained('third', 20);
    });

    test('is removed as the manual says, but for config and spool', async () => {
      halfpipe.dropFile('waits.txt', 'not uploaded yet');
      for (const line of REMOVAL) await must(line);
      const left = 'find / -xdev -name "*halfpipe*" -not -path "/proc/*" -not -path "/root/*"';
      const paths = (await must(left))
        .split('\n')
        .filter((path) => !/^\/(tmp|run|var\/(cache|log|tmp))\//.test(path));
      assert.deepEqual(
        paths.filter((path) => !/^\/(etc\/halfpipe|var\/(spool|lib)\/halfpipe)/.test(path)),
        [],
      );
      assert.ok(existsSync(halfpipe.machine.path('etc/halfpipe/halfpipe.yaml')));
    });
  });

/** Debian 13 has its own Node.js at first, with the npm of `OLDEST`. */
function layersOf(release: DebianRelease): string {
  const node = nodeLayer(OLDEST);
  return release === 13 ? `${debianRoot(13, ['nodejs'])}:${node}` : `${node}:${debianRoot(release)}`;
}

/** As an upgrade of the package does: the running process keeps the old file. */
function placeNode({ machine }: InstalledHalfpipe, versions: typeof OLDEST): void {
  const file = machine.path('usr/bin/node');
  rmSync(file);
  copyFileSync(join(nodeLayer(versions), 'usr/bin/node'), file);
}

/** What is installed is what package-lock.json says, package by package, and nothing else. */
function assertPinned({ machine }: InstalledHalfpipe): void {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
  const program = machine.path('usr/lib/node_modules/halfpipe');
  const { packages: installed } = JSON.parse(readFileSync(join(program, 'npm-shrinkwrap.json'), 'utf8'));
  const paths = Object.keys(installed).filter((path) => path !== '');
  assert.ok(paths.length > 100);
  for (const path of paths) {
    const { version } = JSON.parse(readFileSync(join(program, path, 'package.json'), 'utf8'));
    assert.equal(version, packages[path].version, path);
  }
  const found = execFileSync('find', [join(program, 'node_modules'), '-name', 'package.json'], {
    encoding: 'utf8',
  });
  const roots = found.match(/node_modules\/(@[^/]+\/)?[^/@]+\/package\.json$/gm) ?? [];
  assert.equal(roots.length, paths.length);
}
