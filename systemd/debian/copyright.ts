// The package's copyright file in Debian's machine-readable form (DEP-5), made from LICENSE.
const FORMAT = 'https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/';
const DOC = '/usr/share/doc/halfpipe';

/** `license` is the text of LICENSE: its name, whose it is, the terms. */
export function renderCopyright(license: string): string {
  const [, owner, terms] = /^MIT License\n\nCopyright \(c\) (.*)\n\n([\s\S]*)$/.exec(license) ?? [];
  if (owner === undefined || terms === undefined) throw new Error('LICENSE is not the MIT licence any more');
  const verbatim = terms
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`));
  return [
    `Format: ${FORMAT}`,
    'Upstream-Name: halfpipe',
    '',
    'Files: *',
    `Copyright: ${owner}`,
    'License: Expat',
    '',
    'Files: usr/lib/halfpipe/node',
    'Copyright: Node.js contributors, and the authors of the libraries in it',
    'License: Node.js',
    '',
    'Files: usr/lib/halfpipe/dist/* usr/lib/halfpipe/page/*',
    `Copyright: ${owner}, and the authors of the npm packages in it`,
    'License: Expat and npm-packages',
    '',
    'License: Expat',
    ...verbatim,
    '',
    'License: Node.js',
    ` The terms of Node.js and of each library in it are in ${DOC}/LICENSES.node.gz.`,
    '',
    'License: npm-packages',
    ` The terms of each package are in ${DOC}/LICENSES.npm.gz, with its name and version.`,
    '',
  ].join('\n');
}
