// Mutation testing: `npm run test:mutation` for the deterministic core, as stryker.config.json has it, and
// `npm run test:mutation -- src/drain` (or a file, or `file.ts:10-40`) for any other code, with the tests that can notice.
// Ends with the table of what was not noticed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { testsThatNotice } from './noticing-tests.ts';
import { survivorsTable } from './survivors-table.ts';

const CORE = 'test/mutation/stryker.config.json';
const FOLDER = 'var/mutation';
const REPORT = `${FOLDER}/report.json`;
const READ = 'test/mutation/read-survivors.json';
const STRYKER = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/tap-runner@9.6.1'];
/** Beside half as much again as the tests take unchanged: beyond that a change counts as noticed. */
const TIME_LIMIT_MS = 10_000;

function typescriptBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

/** Of a file all of its folder: most files are reached through their neighbours alone, as a transfer is by the drain. */
function reachedWith(targets: readonly string[]): string[] {
  return targets.flatMap((target) => {
    const [path = ''] = target.split(':');
    return typescriptBelow(statSync(path).isDirectory() ? path : dirname(path));
  });
}

/** The settings of the core's run, for other code: where texts alone are changed, tests of what is printed notice. */
function settingsFor(targets: readonly string[], jobs: number): string {
  const core = JSON.parse(readFileSync(CORE, 'utf8'));
  const sources = new Map(typescriptBelow('test').map((file) => [file, readFileSync(file, 'utf8')]));
  const testFiles = testsThatNotice(sources, new Set(reachedWith(targets)));
  const settings = {
    ...core,
    mutate: targets.map((target) => (target.includes('.ts') ? target : `${target}/**/*.ts`)),
    mutator: { excludedMutations: ['StringLiteral'] },
    tap: { ...core.tap, testFiles, forceBail: true },
    timeoutMS: TIME_LIMIT_MS,
    concurrency: jobs,
    reporters: ['progress-append-only', 'html', 'json'],
  };
  const path = `${FOLDER}/stryker.config.json`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(path, JSON.stringify(settings, null, 2));
  console.log(`changes ${targets.join(', ')} under\n  ${testFiles.join('\n  ')}`);
  return path;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '1' } },
});
const settings = positionals.length === 0 ? CORE : settingsFor(positionals, Number(values.jobs));
const packages = STRYKER.flatMap((name) => ['-p', name]);
const stryker = spawn('npx', ['--yes', ...packages, 'stryker', 'run', settings], { stdio: 'inherit' });
const [status] = await once(stryker, 'close');
process.exitCode = status ?? 1;
console.log(survivorsTable(JSON.parse(readFileSync(REPORT, 'utf8')), JSON.parse(readFileSync(READ, 'utf8'))));
