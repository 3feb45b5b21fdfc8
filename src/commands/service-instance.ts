// Finds out whether an instance that the operator names with --instance exists.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf } from '../system/fault.ts';

/**
 * Undefined if the instance has a config file in `folder`. Else what is wrong, and what to type.
 */
export function unknownInstance(name: string, folder = '/etc/halfpipe'): string | undefined {
  const file = join(folder, `${name}.yaml`);
  if (existsSync(file)) return undefined;
  const others = instancesIn(folder);
  const there = others.length === 0 ? 'there is no instance yet' : `there are ${others.join(', ')}`;
  return `there is no instance ${name}, because ${file} does not exist: ${there}`;
}

function instancesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).flatMap((file) => /^([^.].*)\.yaml$/.exec(file)?.[1] ?? []);
    return names.filter((name) => name !== 'halfpipe').sort();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}
