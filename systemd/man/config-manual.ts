// halfpipe.yaml(5), written from the config schema like the config file and the table of config/README.md: the package gets it
// made, so it cannot fall behind. Pure; man(7) macros.
import { isRequired, SECTION_TITLES, yaml } from '../../src/config/manual.ts';
import type { Option } from '../../src/config/option.ts';
import { schema } from '../../src/config/schema.ts';

const HEAD = `.TH HALFPIPE.YAML 5 "" halfpipe "File Formats"
.SH NAME
halfpipe.yaml \\- configuration of halfpipe
.SH SYNOPSIS
.I /etc/halfpipe/halfpipe.yaml
.br
.I /etc/halfpipe/conf.d/*.yaml
.br
.I /etc/halfpipe/INSTANCE.yaml
.br
.I /etc/halfpipe/INSTANCE.conf.d/*.yaml
.SH DESCRIPTION
YAML (JSON is accepted too) of the sections below. Every key may be left out but those marked required.
A key that is unknown, a value that is not accepted and a combination that cannot work are refused:
.BR halfpipe (8)
names file, line, key and value, and exits with 78, or goes on with the old settings when it was a reload.
.PP
After
.I halfpipe.yaml
the files of
.I conf.d
beside it are read in the order of their names, if a name ends in .yaml and does not begin with a dot.
The last file that sets a key wins. A map such as s3.tags is added to, a list is replaced, and a key without a value is back at its default.
.B halfpipe config show
prints for each setting the file and line that it comes from.
.PP
Rates are bits a second with powers of ten (100 Mbit/s, 256 kbit/s) or bytes (12.5 MB/s); sizes are 8 MiB or 500 kB;
durations 500 ms, 2 s, 5 min, 1 h, 1 d; shares 50 %.
.PP
The environment variable beside a key overrides the files; lists are a,b there and maps name=value,name=value. The service takes it from
.IR /etc/default/halfpipe .
After a change,
.B systemctl reload halfpipe
puts it into force without dropping an upload; keys marked \\(lqrestart\\(rq need
.BR "systemctl restart halfpipe" .
`;

const TAIL = `.SH FILES
.TP
.I /etc/halfpipe/aws\\-credentials
The key to upload with, in the format of ~/.aws/credentials. Never in this file.
.SH SEE ALSO
.BR halfpipe (8)
`;

export function renderConfigManual(): string {
  const sections = Object.entries(schema).map(([section, options]) => {
    const title = SECTION_TITLES[section as keyof typeof schema];
    const entries = Object.values(options).map((option: Option<unknown>) => entry(option));
    return `.SH "${section.toUpperCase()}"\n${line(title)}.\n${entries.join('')}`;
  });
  return HEAD + sections.join('') + TAIL;
}

function entry(option: Option<unknown>): string {
  const notes = [
    isRequired(option)
      ? 'Required.'
      : option.default === null
        ? 'Not set by default.'
        : `Default: ${yaml(option.default)}`,
    option.example === undefined ? '' : `Example: ${option.example}`,
    option.live ? '' : 'A change needs a restart.',
    `Environment: ${option.env}`,
  ];
  const paragraphs = notes.filter((note) => note !== '').map((note) => `.br\n${line(note)}\n`);
  return `.TP\n.B ${line(option.key)}\n${line(option.doc)}\n${paragraphs.join('')}`;
}

/** One line of text that troff prints as it stands. */
function line(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll("'", '\\(aq');
}
