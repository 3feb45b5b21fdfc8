// The files beside the config file: which are read, in which order, what they do to each other, and what is said about
// them. The merge itself is in test/property/config-merge.test.ts.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadAsService } from '../../src/commands/vetted-settings.ts';
import { ConfigError } from '../../src/config/config-error.ts';
import { dropInFolderOf, filesText } from '../../src/config/drop-ins.ts';
import { type Environment, loadConfig } from '../../src/config/load.ts';
import { shownOptions } from '../../src/config/shown-options.ts';

const MAIN = 's3:\n  bucket: inbox\n  region: eu-central-1\nlink:\n  share: 30 %\n';

class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'halfpipe-drop-ins-'));
  readonly file: string;
  readonly dropIns: string;

  constructor(t: TestContext, name = 'halfpipe', main = MAIN) {
    t.after(() => rmSync(this.path, { recursive: true }));
    this.file = join(this.path, `${name}.yaml`);
    this.dropIns = dropInFolderOf(this.file);
    writeFileSync(this.file, main);
    mkdirSync(this.dropIns);
  }

  add(name: string, content: string): this {
    writeFileSync(join(this.dropIns, name), content);
    return this;
  }

  load(env: Environment = {}) {
    return loadConfig(this.file, env);
  }

  async settings() {
    return (await this.load()).settings;
  }

  /** The origin of a key, with the folder left out. */
  async originOf(key: string, env: Environment = {}) {
    const { options } = await this.load(env);
    return this.#short(shownOptions(options).find((option) => option.key === key)?.origin ?? '');
  }

  async problems(loading: Promise<unknown> = this.load()): Promise<readonly string[]> {
    const error = await loading.then(
      () => assert.fail('the configuration was accepted'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ConfigError, String(error));
    return error.problems.map((problem) => this.#short(problem));
  }

  #short(text: string): string {
    return text.replaceAll(`${this.path}/`, '');
  }
}

test('the drop-ins of halfpipe.yaml are in conf.d, those of another NAME.yaml in NAME.conf.d', () => {
  for (const [file, folder] of [
    ['/etc/halfpipe/halfpipe.yaml', '/etc/halfpipe/conf.d'],
    ['/etc/halfpipe/north.yaml', '/etc/halfpipe/north.conf.d'],
    ['/srv/a.b/camera.7.json', '/srv/a.b/camera.7.conf.d'],
    ['halfpipe.yaml', 'conf.d'],
  ] as const)
    assert.equal(dropInFolderOf(file), folder);
});

test('of several files that set a key the last one by name wins, and the origin tells which that is', async (t) => {
  const folder = new Folder(t)
    .add('20-site.yaml', 'link:\n  share: 20 %\n')
    .add('10-default.yaml', 's3:\n  prefix: ten/\nlink:\n  share: 10 %\n');
  const { s3, link } = await folder.settings();
  assert.deepEqual([link.share, s3.prefix, s3.bucket], [0.2, 'ten/', 'inbox']);
  assert.equal(await folder.originOf('link.share'), 'conf.d/20-site.yaml:2');
  assert.equal(await folder.originOf('s3.prefix'), 'conf.d/10-default.yaml:2');
  assert.equal(await folder.originOf('s3.bucket'), 'halfpipe.yaml:2');
  assert.equal(await folder.originOf('spool.settle'), 'default');
  const env = { HALFPIPE_LINK_SHARE: '5 %' };
  assert.equal((await folder.load(env)).settings.link.share, 0.05);
  assert.equal(await folder.originOf('link.share', env), 'HALFPIPE_LINK_SHARE');
});

test('names are compared byte by byte, whatever the locale', async (t) => {
  const folder = new Folder(t).add('a.yaml', 'link: { share: 1 % }').add('B.yaml', 'link: { share: 2 % }');
  assert.equal((await folder.settings()).link.share, 0.01);
});

test('a map is added to and shows all its origins, a list is replaced', async (t) => {
  const folder = new Folder(t)
    .add('1.yaml', 's3:\n  tags: { team: imaging, site: a }\nspool: { ignore: [a, b] }\n')
    .add('2.yaml', '\n\ns3:\n  tags: { site: b }\nspool: { ignore: [c] }\n');
  const { s3, spool } = await folder.settings();
  assert.deepEqual([s3.tags, spool.ignore], [{ team: 'imaging', site: 'b' }, ['c']]);
  assert.equal(await folder.originOf('s3.tags'), 'conf.d/1.yaml:2 and conf.d/2.yaml:4');
  assert.equal(await folder.originOf('spool.ignore'), 'conf.d/2.yaml:5');
});

test('one rate replaces rates for each interface, and the other way round', async (t) => {
  const folder = new Folder(t).add('1.yaml', 'link: { capacity: { eth0: 100 Mbit/s, wwan0: 5 Mbit/s } }');
  folder.add('2.yaml', 'link: { capacity: 10 Mbit/s }');
  assert.equal((await folder.settings()).link.capacityBitsPerSec, 10e6);
  folder.add('3.yaml', 'link: { capacity: { eth1: 1 Mbit/s } }');
  assert.deepEqual((await folder.settings()).link.capacityBitsPerSec, { eth1: 1e6 });
});

test('a key without a value is back at its default, and a required one is missing', async (t) => {
  const folder = new Folder(t).add('1.yaml', 's3:\n  region:\nlink: ~\n');
  const { s3, link } = await folder.settings();
  assert.deepEqual([s3.region, link.share], [undefined, 0.3]);
  assert.equal(await folder.originOf('s3.region'), 'not set');
  folder.add('2.yaml', 's3:\n  bucket:\n');
  assert.match((await folder.problems()).join(), /^halfpipe\.yaml: s3\.bucket is required/);
});

test('empty files, comments and links to files are fine', async (t) => {
  const folder = new Folder(t).add('1.yaml', '').add('2.yaml', '# nothing yet\n');
  writeFileSync(join(folder.path, 'elsewhere'), 'link: { share: 12 % }\n');
  symlinkSync(join(folder.path, 'elsewhere'), join(folder.dropIns, '3.yaml'));
  const { settings, files } = await folder.load();
  assert.equal(settings.link.share, 0.12);
  assert.equal(
    filesText(files),
    `${folder.file}, ${['1', '2', '3'].map((name) => `conf.d/${name}.yaml`).join(', ')}`,
  );
});

test('what editors and dpkg leave, hidden files and other names are not read', async (t) => {
  const folder = new Folder(t);
  const LEFTOVERS = ['1.yaml~', '#1.yaml#', '.#1.yaml', '.1.yaml.swp', '.yaml', '1.yaml.dpkg-new', '1.yml'];
  for (const name of [...LEFTOVERS, '1.yaml.dpkg-old', '1.yaml.ucf-dist', '1.yaml.bak', 'README'])
    folder.add(name, 'no: config\n');
  assert.deepEqual((await folder.load()).files, [folder.file]);
});

test('without a folder there are no drop-ins', async (t) => {
  const folder = new Folder(t);
  rmSync(folder.dropIns, { recursive: true });
  assert.deepEqual((await folder.load()).files, [folder.file]);
});

test('an instance reads its own folder alone', async (t) => {
  const folder = new Folder(t, 'north').add('1.yaml', 'link: { share: 12 % }\n');
  mkdirSync(join(folder.path, 'conf.d'));
  writeFileSync(join(folder.path, 'conf.d/1.yaml'), 'link: { share: 99 % }\n');
  assert.equal((await folder.settings()).link.share, 0.12);
  assert.equal(basename(folder.dropIns), 'north.conf.d');
});

test('each mistake is told with its file, line and key, wherever it is', async (t) => {
  const folder = new Folder(t, 'halfpipe', `${MAIN}  sher: 1\n`)
    .add('1.yaml', 'spool:\n  order: random\n  setle: 1 s\n')
    .add('2.yaml', '\nlink:\n  share: 200 %\n')
    .add('3.yaml', 's3: { tags: { a: b } }\n')
    .add('4.yaml', 's3:\n  tags: { c: [] }\n')
    .add('5.yaml', '- s3\n');
  assert.deepEqual(await folder.problems(), [
    'halfpipe.yaml:6: link.sher is not an option: did you mean link.share?',
    'conf.d/1.yaml:3: spool.setle is not an option: did you mean spool.settle?',
    'conf.d/5.yaml:1: must hold sections such as "s3:", with keys indented below them',
    'conf.d/1.yaml:2: spool.order = "random": must be oldest-first, newest-first, smallest-first or name',
    'conf.d/2.yaml:3: link.share = "200 %": must be above 0 % and at most 100 %, such as 50 %',
    'conf.d/3.yaml:1 and conf.d/4.yaml:2: s3.tags: value of "c" must be text: put it in quotes',
  ]);
});

test('values of two files that do not go together are told at the later one', async (t) => {
  const folder = new Folder(t).add('1.yaml', 'link:\n  floor: 40 %\n');
  const [problem = ''] = await folder.problems();
  assert.match(problem, /^conf\.d\/1\.yaml:2: link\.floor = "40 %": must not be above the target/);
});

const MEND = 'every *.yaml in this folder is read, so mend it or remove it';

for (const { what, make, problem } of [
  {
    what: 'is not YAML',
    make: (file: string) => writeFileSync(file, 's3:\n\tbucket: b\n'),
    problem: 'conf.d/1.yaml:2:1: tabs cannot indent in YAML: use spaces',
  },
  {
    what: 'is a link to nothing',
    make: (file: string) => symlinkSync('/nonexistent/x.yaml', file),
    problem: `conf.d/1.yaml: no such file: ${MEND}`,
  },
  {
    what: 'is a folder',
    make: (file: string) => mkdirSync(file),
    problem: `conf.d/1.yaml: is a directory: ${MEND}`,
  },
  {
    what: 'is a link to a device',
    make: (file: string) => symlinkSync('/dev/null', file),
    problem: `conf.d/1.yaml: is not a regular file: ${MEND}`,
  },
])
  test(`a drop-in that ${what} is refused, and named`, async (t) => {
    const folder = new Folder(t);
    make(join(folder.dropIns, '1.yaml'));
    assert.deepEqual(await folder.problems(), [problem]);
  });

const PERMIT = 'give it read permission (chmod, chown)';

test('a drop-in that the service cannot read is refused, also when root asks', async (t) => {
  const isRoot = process.getuid?.() === 0;
  const [name, env] = isRoot ? ['nobody', { HALFPIPE_USER: 'nobody' }] : [userInfo().username, {}];
  const folder = new Folder(t).add('1.yaml', '');
  chmodSync(folder.path, 0o755);
  const spool = join(folder.path, 'spool');
  mkdirSync(spool);
  const load = () => loadAsService(folder.file, { ...env, HALFPIPE_SPOOL_PATH: spool });
  const file = join(folder.dropIns, '1.yaml');
  chmodSync(file, isRoot ? 0o600 : 0);
  assert.deepEqual(await folder.problems(load()), [
    `conf.d/1.yaml: may not be read by user ${name}: ${PERMIT}`,
  ]);
  assert.equal(process.geteuid?.(), process.getuid?.());
  chmodSync(file, 0o644);
  chmodSync(folder.dropIns, isRoot ? 0o700 : 0);
  assert.deepEqual(await folder.problems(load()), [`conf.d: may not be read by user ${name}: ${PERMIT}`]);
  chmodSync(folder.dropIns, 0o755);
  assert.deepEqual((await load()).files, [folder.file, file]);
});
