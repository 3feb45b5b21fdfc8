// The program as three files, one for each of its threads. Against dist and node_modules: a fraction of their size and some
// 3,000 files, half the time to start, and an upgrade under a running daemon cannot make it load half of the new
// version. The price: what is shipped is not the very files `npm test` runs, which is why the system test runs on the
// package.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

/** The build has put these into dist/page. */
const OF_THE_PAGE = ['node_modules/uplot'];

export interface Bundle {
  /** By name, all in one folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The npm packages that are in it, as `name@version`. */
  readonly packages: readonly string[];
  /** Their licences. */
  readonly notices: string;
}

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly folder: string;
}

/**
 * `root` is the checkout, `target` the Node.js that runs the bundle, as esbuild names it (`node24`). The code is the same
 * for the same sources and dependencies, wherever it is built.
 */
export async function bundle(root: string, target: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: {
      main: 'src/main.ts',
      'sender-thread': 'src/thread/sender-thread.ts',
      'digest-thread': 'src/store/digest-thread.ts',
      'scan-thread': 'src/backlog/scan-thread.ts',
      'ingest-thread': 'src/ingest/ingest-thread.ts',
    },
    outdir: 'dist',
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target,
    legalComments: 'none',
    // Names stay as they are: stack traces are read by people, and a minified bundle would save 1 % of the package.
    minify: false,
    // CommonJS dependencies call require for Node's own modules.
    banner: {
      js: `import { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);`,
    },
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const files = new Map(
    outputFiles.map(({ path, text }) => [basename(path), Buffer.from(withoutHashbang(text))]),
  );
  const packages = packagesOf(root, [...Object.keys(metafile.inputs), ...OF_THE_PAGE]);
  return {
    files,
    packages: packages.map(({ name, version }) => `${name}@${version}`),
    notices: packages.map(notice).join('\n'),
  };
}

/** The package has a command of its own, which runs the program with the Node.js beside it. */
function withoutHashbang(code: string): string {
  return code.replace(/^#!.*\n/, '');
}

function packagesOf(root: string, inputs: readonly string[]): readonly BundledPackage[] {
  const folders = new Set(inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []));
  return [...folders].sort().map((path) => {
    const folder = join(root, path);
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return { name, version, license, folder };
  });
}

function notice({ name, version, license, folder }: BundledPackage): string {
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? `Licence: ${license}\n` : readFileSync(join(folder, file), 'utf8');
  return `==== ${name} ${version} (${license}) ====\n\n${text}`;
}
