// Writes what follows from the config schema: config/halfpipe.yaml and the README's table between its markers.
// test/unit/generated.test.ts says when to run it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { renderConfigFile, renderTable } from '../../src/config/document.ts';

const configFile = new URL('../../config/halfpipe.yaml', import.meta.url);
const readme = new URL('../../README.md', import.meta.url);

writeFileSync(configFile, renderConfigFile());
if (existsSync(readme)) {
  const section = /(<!-- config:begin -->\n).*?(<!-- config:end -->)/s;
  const text = readFileSync(readme, 'utf8');
  writeFileSync(
    readme,
    text.replace(section, (_, begin: string, end: string) => begin + renderTable() + end),
  );
}
