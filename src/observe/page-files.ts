// The files of the page, as the build has made them.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type Get, send } from '../http/routes.ts';
import { errnoOf } from '../system/fault.ts';

const FOLDERS = [
  // Beside the folder of this file, and beside the single file of the Debian package.
  new URL('../page/', import.meta.url),
  // The sources of a checkout have the page of its last build.
  new URL('../../dist/page/', import.meta.url),
];
const NAMES = ['page.html', 'page.js', 'page.css', 'icon.svg'] as const;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page loads its own files and nothing else, and no script or style stands in it. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"],
  ...["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ');

/** By path; the page itself is at `/`. Without a build there are none. */
export async function pageFiles(): Promise<ReadonlyMap<string, Get>> {
  for (const folder of FOLDERS) {
    const files = await filesIn(folder);
    if (files !== undefined) return files;
  }
  return new Map();
}

/** Undefined if one is missing. */
async function filesIn(folder: URL): Promise<ReadonlyMap<string, Get> | undefined> {
  try {
    const files = await Promise.all(
      NAMES.map(async (name) => [name, await readFile(new URL(name, folder))] as const),
    );
    return new Map(
      files.map(([name, content]) => [name === 'page.html' ? '/' : `/${name}`, answer(name, content)]),
    );
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

function answer(name: string, content: Uint8Array): Get {
  return (_, response) => {
    response.setHeader('Content-Security-Policy', POLICY);
    send(response, 200, TYPES[extname(name)] ?? 'application/octet-stream', content);
  };
}
