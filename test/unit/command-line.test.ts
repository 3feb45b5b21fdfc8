import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { helpText } from '../../src/commands/command-help.ts';
import { firstWords, readCommandLine, UsageError } from '../../src/commands/command-line.ts';
import { commandNames, commands, optionsOf } from '../../src/commands/command-table.ts';
import { options } from '../../src/commands/option-table.ts';
import { unknownInstance } from '../../src/commands/service-instance.ts';

const words = (line: string) => line.split(' ').filter((word) => word !== '');

describe('a command line', () => {
  const mainConfig = '/etc/halfpipe/halfpipe.yaml';
  for (const { line, command, args = [], values = {}, configFile = mainConfig } of [
    { line: 'status', command: 'status' },
    { line: 'status --json', command: 'status', values: { json: true } },
    { line: '--json status', command: 'status', values: { json: true } },
    {
      line: 'top --config=/etc/x.yaml',
      command: 'top',
      values: { config: '/etc/x.yaml' },
      configFile: '/etc/x.yaml',
    },
    {
      line: '--config a.yaml check',
      command: 'check',
      values: { config: 'a.yaml' },
      configFile: 'a.yaml',
    },
    {
      line: 'status --instance door',
      command: 'status',
      values: { instance: 'door' },
      configFile: '/etc/halfpipe/door.yaml',
    },
    { line: 'quarantine list', command: 'quarantine list' },
    { line: 'quarantine retry a b', command: 'quarantine retry', args: ['a', 'b'] },
    { line: 'quarantine drop -- --a', command: 'quarantine drop', args: ['--a'] },
    {
      line: 'token add camera-7 --prefix camera-7/ --expires 90d',
      command: 'token add',
      args: ['camera-7'],
      values: { prefix: 'camera-7/', expires: 90 * 86_400_000 },
    },
    { line: 'token list --json', command: 'token list', values: { json: true } },
    { line: 'token revoke camera-7', command: 'token revoke', args: ['camera-7'] },
    {
      line: 'quarantine drop --all --yes',
      command: 'quarantine drop',
      values: { all: true, yes: true },
    },
  ]) {
    test(`"${line}" is read as ${command}`, () => {
      assert.deepEqual(readCommandLine(words(line)), { command, args, values, configFile });
    });
  }

  for (const { line, topic } of [
    { line: '--help', topic: '' },
    { line: 'help', topic: '' },
    { line: '-h', topic: '' },
    { line: 'status --help', topic: 'status' },
    { line: 'help status', topic: 'status' },
    { line: 'quarantine -h', topic: 'quarantine' },
    { line: 'quarantine drop --help', topic: 'quarantine drop' },
  ]) {
    test(`"${line}" asks for help`, () => {
      assert.deepEqual(readCommandLine(words(line)), { command: 'help', topic });
    });
  }

  for (const { line, says, help = 'halfpipe --help' } of [
    { line: '', says: /^which command\? One of status, top, / },
    { line: 'chek', says: /^unknown command chek: did you mean check\?$/ },
    { line: 'chek --help', says: /^unknown command chek: did you mean check\?$/ },
    { line: 'elephant', says: /^unknown command elephant$/ },
    { line: 'stop', says: /it is systemd's: systemctl stop halfpipe$/ },
    { line: 'restart --instance door', says: /it is systemd's: systemctl restart halfpipe@door$/ },
    { line: '--jsn', says: /^unknown option --jsn: there are --config, --instance, --help, --version$/ },
    {
      line: 'status --jsn',
      says: /^unknown option --jsn: did you mean --json\?$/,
      help: 'halfpipe status --help',
    },
    {
      line: 'run --fast',
      says: /^unknown option --fast: there are --config, --instance, --help$/,
      help: 'halfpipe run --help',
    },
    {
      line: 'status --all',
      says: /^status takes no --all: there are --json, --config, --instance, --help$/,
      help: 'halfpipe status --help',
    },
    {
      line: 'status --json=yes',
      says: /^--json takes no value: type --json alone$/,
      help: 'halfpipe status --help',
    },
    {
      line: 'status --config',
      says: /^--config needs a value: type --config FILE$/,
      help: 'halfpipe status --help',
    },
    {
      line: 'status --config --json',
      says: /^--config needs a value: type --config FILE$/,
      help: 'halfpipe status --help',
    },
    { line: 'run now', says: /^run: unexpected argument now$/, help: 'halfpipe run --help' },
    {
      line: 'quarantine',
      says: /^quarantine what\? One of list, retry, drop$/,
      help: 'halfpipe quarantine --help',
    },
    {
      line: 'quarantine lst',
      says: /^quarantine what\? One of list, retry, drop: did you mean list\?$/,
      help: 'halfpipe quarantine --help',
    },
    {
      line: 'quarantine list x',
      says: /^quarantine list: unexpected argument x$/,
      help: 'halfpipe quarantine list --help',
    },
    {
      line: 'quarantine drop',
      says: /^quarantine drop takes the ids that list shows, or --all$/,
      help: 'halfpipe quarantine drop --help',
    },
    {
      line: 'quarantine retry x --all',
      says: /^quarantine retry takes the ids that list shows, or --all$/,
      help: 'halfpipe quarantine retry --help',
    },
    {
      line: 'token',
      says: /^token what\? One of add, list, revoke$/,
      help: 'halfpipe token --help',
    },
    {
      line: 'token rvoke camera-7',
      says: /^token what\? One of add, list, revoke: did you mean revoke\?$/,
      help: 'halfpipe token --help',
    },
    { line: 'token add', says: /^token add what\? NAME$/, help: 'halfpipe token add --help' },
    {
      line: 'token add camera-7 camera-8',
      says: /^token add: unexpected argument camera-8$/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a/b',
      says: /^token add a\/b: must be a name of at most 64 letters, digits and/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a --prefix camera-7',
      says: /^--prefix camera-7: must end in \/: type camera-7\/$/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a --prefix ../',
      says: /^--prefix \.\.\/: must be a folder below the spool/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a --expires 90',
      says: /^--expires 90: must be a duration such as 500 ms, 2 s, 5 min, 1 h or 1 d$/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a --expires 1s',
      says: /^--expires 1s: must be from 1 min to 36500 d$/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'token add a --expirs 9d',
      says: /^unknown option --expirs: did you mean --expires\?$/,
      help: 'halfpipe token add --help',
    },
    {
      line: 'top --instance ../x',
      says: /^--instance \.\.\/x: must be the NAME of a service halfpipe@NAME, such as door$/,
      help: 'halfpipe top --help',
    },
    {
      line: 'top --instance halfpipe',
      says: /^--instance halfpipe: is for halfpipe@NAME: leave it out for the main service$/,
      help: 'halfpipe top --help',
    },
    {
      line: 'top --instance door --config x',
      says: /^--instance door already names a config file: remove --config$/,
      help: 'halfpipe top --help',
    },
    { line: 'fly\x1b[1m', says: /^unknown command fly\\x1b\[1m$/ },
  ]) {
    test(`"${line.replace('\x1b', '␛')}" is refused with what is accepted`, () => {
      assert.throws(
        () => readCommandLine(words(line)),
        (error) => error instanceof UsageError && says.test(error.message) && error.help === help,
      );
    });
  }
});

describe('the help', () => {
  const overview = helpText('');
  for (const name of commandNames) {
    const help = helpText(name);
    test(`of ${name} names what it takes, and is in the overview with one line`, () => {
      assert.ok(help.startsWith(`Usage: halfpipe ${name}`), help);
      for (const option of optionsOf(name)) assert.ok(help.includes(`\n  --${option} `), help);
      assert.ok(help.replace(/\s+/g, ' ').includes(commands[name].details), help);
      const flat = overview.replace(/\s+/g, ' ');
      assert.ok(flat.includes(` ${name} ${commands[name].does} `), overview);
    });

    test(`of ${name} fits into 80 columns`, () => {
      for (const line of `${overview}${help}`.split('\n')) assert.ok(line.length <= 80, line);
    });
  }

  test('of the first word of several commands is the help of each', () => {
    const help = helpText('quarantine');
    for (const action of ['list', 'retry', 'drop'])
      assert.ok(help.includes(`Usage: halfpipe quarantine ${action}`));
  });
});

test('the table gives each command a line that is short enough for an overview', () => {
  assert.ok(firstWords().length >= 5);
  for (const { does, details } of Object.values(commands)) {
    assert.match(does, /^[a-z].{10,75}[^.]$/);
    assert.match(details, /^[A-Z].*\.$/);
  }
  for (const { does } of Object.values(options)) assert.match(does, /^[a-z].{5,70}[^.]$/);
});

test('an instance without a config file is refused with those that are there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'halfpipe-instances-'));
  t.after(() => rmSync(folder, { recursive: true }));
  assert.match(unknownInstance('door', folder) ?? '', /does not exist: there is no instance yet$/);
  for (const name of ['halfpipe.yaml', 'gate.yaml', 'door.yaml', 'door.aws-credentials'])
    writeFileSync(join(folder, name), '');
  assert.equal(unknownInstance('door', folder), undefined);
  assert.match(unknownInstance('dor', folder) ?? '', /dor\.yaml does not exist: there are door, gate$/);
  assert.match(unknownInstance('x', join(folder, 'none')) ?? '', /there is no instance yet$/);
});
