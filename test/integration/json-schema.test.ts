// The published schemas: up to date, complete, and right for what a daemon answers.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { FILE_LISTS } from '../../src/view/file-list.ts';
import { DaemonFixture } from '../support/daemon-fixture.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { jsonSchema, PUBLISHED } from '../support/json-schema.ts';
import { DRAINING } from '../support/snapshot-fixture.ts';

type Described = { readonly description?: string; readonly properties?: Record<string, Described> };

/** Fails with the first difference. */
function validator(name: keyof typeof PUBLISHED): (value: unknown) => void {
  const ajv = new Ajv({ strict: false });
  const validate = ajv.compile(jsonSchema(PUBLISHED[name], true));
  return (value) => assert.ok(validate(value), ajv.errorsText(validate.errors));
}

describe('published schemas', () => {
  for (const [name, described] of Object.entries(PUBLISHED)) {
    it(`config/${name} is what the interfaces say`, () => {
      const kept = readFileSync(new URL(`../../config/${name}`, import.meta.url), 'utf8');
      assert.equal(kept, `${JSON.stringify(jsonSchema(described), null, 2)}\n`, 'run: npm run generate');
    });

    it(`config/${name} describes every field`, () => {
      const { definitions } = jsonSchema(described) as { definitions: Record<string, Described> };
      const silent = Object.entries(definitions).flatMap(([type, { properties = {} }]) =>
        Object.entries(properties).flatMap(([field, { description }]) =>
          description === undefined ? [`${type}.${field}`] : [],
        ),
      );
      assert.deepEqual(silent, []);
    });
  }

  it('a daemon answers as they say, and a field that they do not know is noticed', async (t) => {
    const isStatus = validator('status.schema.json');
    const isList = validator('list.schema.json');
    isStatus(DRAINING);
    isStatus(fullSnapshot(1));
    assert.throws(() => isStatus({ ...DRAINING, uptimeMs: 'long' }), /uptimeMs must be number/);
    assert.throws(() => isStatus({ ...DRAINING, more: 1 }), /additional properties/);
    const fixture = await DaemonFixture.create(t);
    const daemon = fixture.start();
    await daemon.says('ready');
    await fixture.put('one', 'x');
    await daemon.says('uploaded');
    const told = async (...words: string[]) => {
      const run = fixture.command([...words, '--json', '--config', fixture.configFile]);
      await run.exit;
      return JSON.parse(run.stdout) as unknown;
    };
    isStatus(await told('status'));
    for (const list of FILE_LISTS) isList(await told('list', list));
    await daemon.stop();
  });
});
