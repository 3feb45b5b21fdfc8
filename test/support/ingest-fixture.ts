// A daemon that takes files over HTTP, with one token that may write below `in/`.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { digestOf, makeToken } from '../../src/ingest/token.ts';
import { formatTokens } from '../../src/ingest/token-list.ts';
import { DaemonFixture } from './daemon-fixture.ts';
import { freePort } from './free-port.ts';

export async function ingesting(t: TestContext) {
  const fixture = await DaemonFixture.create(t);
  const port = await freePort();
  const tokensFile = join(fixture.base, 'tokens.json');
  const config = { spool: { settle: '0 s' }, ingest: { listen: port, tokensFile } };
  await fixture.configure(config);
  const token = makeToken();
  const stored = {
    ...{ name: 'camera', prefix: 'in/', sha256: digestOf(token) },
    ...{ createdMs: 0, expiresAtMs: undefined },
  };
  await writeFile(tokensFile, formatTokens([stored]));
  /** Resolves with the status. */
  const put = async (name: string, body: string, at = port): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(`http://127.0.0.1:${at}/v1/files/${name}`, { method: 'PUT', headers, body });
    return answer.status;
  };
  return { fixture, port, tokensFile, put, config };
}
