// Writes what follows from one source: config/halfpipe.yaml and the table of config/README.md from the config schema, the
// table of metrics in config/OPERATING.md, the
// completion and parts of halfpipe.8 from the command table, config/*.schema.json from the interfaces, the measurements of test/bench/README.md and their tables from
// the bench's results. test/unit/generated.test.ts says when to run it.
import { readFileSync, writeFileSync } from 'node:fs';
import { renderConfigFile, renderTable } from '../../src/config/manual.ts';
import { renderBashCompletion } from '../../systemd/bash-completion.ts';
import { between, renderCommandManual } from '../../systemd/man/command-manual.ts';
import { renderMeasured, renderOtherTables } from '../bench/published.ts';
import { jsonSchema, PUBLISHED } from './json-schema.ts';
import { renderMetricTable } from './metric-manual.ts';

function fill(text: string, marker: string, content: string): string {
  const section = new RegExp(`(<!-- ${marker}:begin -->\n).*?(<!-- ${marker}:end -->)`, 's');
  return text.replace(section, (_, begin: string, end: string) => begin + content + end);
}

writeFileSync(new URL('../../config/halfpipe.yaml', import.meta.url), renderConfigFile());
for (const [file, table] of renderOtherTables()) writeFileSync(file, table);
for (const { page, marker, content } of [
  { page: '../../config/README.md', marker: 'config', content: renderTable() },
  { page: '../../config/OPERATING.md', marker: 'metrics', content: renderMetricTable() },
  { page: '../bench/README.md', marker: 'bench', content: renderMeasured() },
]) {
  const file = new URL(page, import.meta.url);
  writeFileSync(file, fill(readFileSync(file, 'utf8'), marker, content));
}
writeFileSync(new URL('../../systemd/halfpipe.bash-completion', import.meta.url), renderBashCompletion());
const manual = new URL('../../systemd/man/halfpipe.8', import.meta.url);
const filled = Object.entries(renderCommandManual()).reduce(
  (text, [marker, part]) =>
    text.replace(between(marker), (_, begin: string, _old: string, end: string) => begin + part + end),
  readFileSync(manual, 'utf8'),
);
writeFileSync(manual, filled);
for (const [name, described] of Object.entries(PUBLISHED)) {
  const file = new URL(`../../config/${name}`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(jsonSchema(described), null, 2)}\n`);
}
