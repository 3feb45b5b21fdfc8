// What is in a package, for programs that look for known vulnerabilities: a bill of materials in the form of CycloneDX.
// npm writes one of all that package-lock.json names; ours has what is in the bundle, and Node.js. The same commit gives
// the same bytes, so it has neither a random number nor the time of the build.
import { execFileSync } from 'node:child_process';
import type { NodeRuntime } from './node-runtime.ts';

/** A part of what `npm sbom` prints, which all of it is passed on. */
export interface BillOfMaterials {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly hashes?: unknown;
  readonly licenses?: unknown;
}

export interface Contents {
  readonly version: string;
  readonly architecture: string;
  readonly maintainer: string;
  /** `name@version` of each npm package in the bundle. */
  readonly packages: readonly string[];
  readonly node: NodeRuntime;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/** All that package-lock.json names. `root` is the checkout. */
export function lockedMaterials(root: string): BillOfMaterials {
  const command = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--prefix', root];
  return JSON.parse(execFileSync('npm', command, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 }));
}

/** Throws if the bundle holds a package that the lock file does not name. */
export function renderSbom(locked: BillOfMaterials, contents: Contents): string {
  const { version, architecture, maintainer, packages, node, epoch } = contents;
  const known = new Map(locked.components.map((component) => [component['bom-ref'], component]));
  // A set, because node_modules may have one package in two places.
  const held = [...new Set([...packages, node.reference])].sort();
  const unknown = held.filter((reference) => !known.has(reference));
  if (unknown.length > 0) throw new Error(`package-lock.json has no ${unknown.join(', ')}: run npm ci`);
  const self = `halfpipe@${version}`;
  const edges = new Map(locked.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  const within = (references: readonly string[]) =>
    references.filter((reference) => held.includes(reference));
  const bill = {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      lifecycles: [{ phase: 'build' }],
      authors: [authorOf(maintainer)],
      component: {
        'bom-ref': self,
        type: 'application',
        name: 'halfpipe',
        version,
        purl: `pkg:deb/halfpipe@${version}?arch=${architecture}`,
        licenses: [{ license: { id: 'MIT' } }],
      },
    },
    components: held.flatMap((reference) => {
      const component = known.get(reference);
      return component === undefined ? [] : [entryOf(component, reference === node.reference)];
    }),
    dependencies: [
      { ref: self, dependsOn: held },
      ...held.map((ref) => ({ ref, dependsOn: within(edges.get(ref) ?? []) })),
    ],
  };
  return `${JSON.stringify(bill, null, 1)}\n`;
}

/** What npm says of how a package came into node_modules is left out: here all are in the bundle. */
function entryOf(
  { name, version, purl, hashes, licenses, ...component }: Component,
  isNode: boolean,
): object {
  return {
    type: isNode ? 'platform' : 'library',
    'bom-ref': component['bom-ref'],
    name,
    version,
    // Advisories on Node.js name it so, and not by its package of npm.
    ...(isNode ? { cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*` } : {}),
    purl,
    hashes,
    licenses,
  };
}

function authorOf(maintainer: string): { readonly name?: string; readonly email?: string } {
  const [, name, email] = /^(.*) <(.*)>$/.exec(maintainer) ?? [];
  return { ...(name === undefined ? {} : { name }), ...(email === undefined ? {} : { email }) };
}
