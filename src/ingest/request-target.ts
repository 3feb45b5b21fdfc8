// What a request is about. The URL is taken apart here alone, byte by byte: nothing else decodes
// it.

/** The resources of the API, as the description names their paths. */
export const RESOURCES = {
  file: '/v1/files/{path}',
  files: '/v1/files',
  health: '/v1/healthz',
  description: '/v1/openapi.json',
} as const;

export type Resource = keyof typeof RESOURCES;

export interface RequestTarget {
  /** Undefined: there is nothing at this path. */
  readonly resource: Resource | undefined;
  /** The whole path, still encoded. */
  readonly path: string;
  /** The path below `/v1/files/`, still encoded. Empty for other resources. */
  readonly encodedPath: string;
  /** What follows the question mark. */
  readonly query: string;
}

const FILES = `${RESOURCES.files}/`;

/** `url` is the target of the request line, in origin-form or absolute-form (RFC 9112, 3.2). */
export function requestTarget(url: string): RequestTarget {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  if (path.startsWith(FILES)) return { resource: 'file', path, encodedPath: path.slice(FILES.length), query };
  const exact: readonly Resource[] = ['files', 'health', 'description'];
  return { resource: exact.find((name) => RESOURCES[name] === path), path, encodedPath: '', query };
}
