// `npm run setup` ends with this: is `node` here the one that package.json pins? npm puts node_modules/.bin first on the
// PATH of its scripts, and the pinned packages have their `node` there. Runs on any Node.js, and without dependencies.
import { readFileSync } from 'node:fs';

const { engines, optionalDependencies } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
const least = engines.node.replace('>=', '');

function problem() {
  const name = `node-${process.platform}-${process.arch}`;
  const pinned = optionalDependencies[name];
  if (pinned === undefined)
    return process.version.localeCompare(`v${least}`, 'en', { numeric: true }) >= 0
      ? undefined
      : `halfpipe needs Node.js ${least} or newer, and this is ${process.version}. package.json pins none for ` +
          `${process.platform} on ${process.arch}: install one.`;
  return process.version === `v${pinned}`
    ? undefined
    : `halfpipe is built and tested with Node.js ${pinned}, and this is ${process.version}: ${name} is missing from ` +
        'node_modules. Run: npm ci --include=optional';
}

const found = problem();
if (found !== undefined) {
  console.error(found);
  process.exitCode = 1;
}
