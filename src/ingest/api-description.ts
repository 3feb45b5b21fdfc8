// The description of the door's API for programs, in OpenAPI 3.1. Refusals come from the table that
// the door answers by, and a test holds the rest against a real door.

import { COMMON, components, headers, ref, type Status } from './api-components.ts';
import { RESOURCES } from './request-target.ts';

const parameters = (...names: readonly string[]) => names.map((name) => ref('parameters', name));

/** A request that cannot be read has these, whatever it was meant to be. */
const UNREADABLE = [400, 408, 431] as const;
const UPLOAD = [401, 409, 411, 413, 415, 417, 422, 429, 500, 503, 507] as const;

function refusals(...statuses: readonly Status[]): Record<string, unknown> {
  const all = [...new Set<Status>([...UNREADABLE, ...statuses])].sort();
  return Object.fromEntries(all.map((status) => [status, ref('responses', `${status}`)]));
}

/** The same without a body, because the answer to HEAD has none. */
function bare(...statuses: readonly Status[]): Record<string, unknown> {
  const all = [...new Set<Status>([...UNREADABLE, ...statuses])].sort();
  return Object.fromEntries(all.map((status) => [status, ref('responses', `${status}-head`)]));
}

const stored = (description: string) => ({
  description,
  headers: headers(...COMMON, 'Location', 'Repr-Digest'),
  content: { 'application/json': { schema: ref('schemas', 'Stored') } },
});

const empty = (description: string) => ({ description, headers: headers(...COMMON) });

const file = {
  required: true,
  description: 'The bytes of the file alone, of any type except JSON and forms.',
  content: { '*/*': { schema: { type: 'string', format: 'binary' } } },
};

const digests = parameters('Content-Digest', 'Repr-Digest', 'Content-MD5');

const PATHS = {
  [RESOURCES.file]: {
    parameters: parameters('path'),
    put: {
      operationId: 'putFile',
      summary: 'Puts a file into the spool',
      description:
        'Answers when the file is durable under its name: a loss of power does not lose it. From then on halfpipe uploads it, and removes it from the spool when S3 has it.',
      parameters: [...parameters('replace'), ...digests],
      requestBody: file,
      responses: {
        200: stored('The same bytes were there already, or the file has replaced another.'),
        201: stored('The file is in the spool.'),
        ...refusals(...UPLOAD, 403),
      },
    },
    head: {
      operationId: 'findFile',
      summary: 'Tells whether a file waits in the spool',
      description: 'A file that was uploaded to S3 waits no more.',
      responses: {
        200: {
          description: 'The file waits.',
          headers: headers(...COMMON, 'Content-Length', 'Content-Type', 'Repr-Digest'),
        },
        ...bare(401, 403, 404, 409, 500, 503),
      },
    },
  },
  [RESOURCES.files]: {
    post: {
      operationId: 'postFile',
      summary: 'Puts a file without a name into the spool',
      description:
        'Its name is made of the time and a random number, below the prefix of the token. The media type gives the extension.',
      parameters: digests,
      requestBody: file,
      responses: { 201: stored('The file is in the spool.'), ...refusals(...UPLOAD) },
    },
  },
  [RESOURCES.health]: {
    get: {
      operationId: 'health',
      summary: 'Tells whether files are taken now',
      security: [],
      responses: {
        200: empty('They are.'),
        ...refusals(),
        503: empty('The spool or the tokens are out of reach.'),
      },
    },
    head: {
      operationId: 'healthHead',
      summary: 'The same',
      security: [],
      responses: {
        200: empty('They are.'),
        ...bare(),
        503: empty('The spool or the tokens are out of reach.'),
      },
    },
  },
  [RESOURCES.description]: {
    get: {
      operationId: 'describe',
      summary: 'This description',
      security: [],
      responses: {
        200: {
          ...{ description: 'OpenAPI 3.1.', headers: headers(...COMMON) },
          content: { 'application/json': { schema: { type: 'object' } } },
        },
        ...refusals(),
      },
    },
    head: {
      operationId: 'describeHead',
      summary: 'The same, without the description',
      security: [],
      responses: { 200: empty('OpenAPI 3.1.'), ...bare() },
    },
  },
} as const;

/** In JSON. */
export function apiDescription(): string {
  const bearer = { type: 'http', scheme: 'bearer', description: 'A token from halfpipe token add.' };
  return JSON.stringify({
    openapi: '3.1.1',
    info: {
      title: 'halfpipe: files over HTTP',
      version: '1',
      license: { name: 'MIT', identifier: 'MIT' },
      description:
        'Takes files into a spool that is drained to S3. Everything that is not described here is answered with 404, and another method with 405.',
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    paths: PATHS,
    components: {
      ...components(),
      securitySchemes: { token: bearer },
    },
  });
}
