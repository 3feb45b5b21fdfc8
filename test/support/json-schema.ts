// The published schema of the daemon's JSON, made from the interfaces and their comments.
import { fileURLToPath } from 'node:url';
import { createGenerator } from 'ts-json-schema-generator';

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What is published, and which type in which file it describes. */
export const PUBLISHED = {
  'status.schema.json': {
    source: 'src/view/snapshot.ts',
    type: 'Snapshot',
    title: 'halfpipe status --json',
  },
  'list.schema.json': {
    source: 'src/view/file-list.ts',
    type: 'FileListView',
    title: 'halfpipe list NAME --json',
  },
} as const;

/** Takes about two seconds. `isStrict`: fields that are not described are refused. */
export function jsonSchema(
  { source, type, title }: (typeof PUBLISHED)[keyof typeof PUBLISHED],
  isStrict = false,
): object {
  const generator = createGenerator({
    path: at(source),
    tsconfig: at('tsconfig.json'),
    type,
    skipTypeCheck: true,
    additionalProperties: !isStrict,
  });
  const { $schema, ...schema } = generator.createSchema(type);
  return { $schema, title, ...schema };
}
