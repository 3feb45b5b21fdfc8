// Writes what follows from one source: config/halfpipe.yaml and the README's table from the config schema, the README's
// measurements and their tables from the bench's results. test/unit/generated.test.ts says when to run it.
import { readFileSync, writeFileSync } from 'node:fs';
import { renderConfigFile, renderTable } from '../../src/config/document.ts';
import { renderMeasured, renderOtherTables } from '../bench/published.ts';

const readme = new URL('../../README.md', import.meta.url);

function fill(text: string, marker: string, content: string): string {
  const section = new RegExp(`(<!-- ${marker}:begin -->\n).*?(<!-- ${marker}:end -->)`, 's');
  return text.replace(section, (_, begin: string, end: string) => begin + content + end);
}

writeFileSync(new URL('../../config/halfpipe.yaml', import.meta.url), renderConfigFile());
for (const [file, table] of renderOtherTables()) writeFileSync(file, table);
const withTable = fill(readFileSync(readme, 'utf8'), 'config', renderTable());
writeFileSync(readme, fill(withTable, 'bench', renderMeasured()));
