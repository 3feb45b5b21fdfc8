// Bugs that only a power cut shows, put into the compiled daemon.
import type { Patch } from '../../support/built-daemon.ts';

export const BUGS: Readonly<Record<string, readonly Patch[]>> = {
  'brings no content to the disk': [
    { file: 'drain/transfer.js', from: 'await whileSyncing(() => file.sync(signal));', to: ';' },
  ],
  'syncs no folder before a name is used again': [
    { file: 'spool/spool-directory.js', from: 'await this.#removedNames.settle(path, parent);', to: '' },
  ],
};
