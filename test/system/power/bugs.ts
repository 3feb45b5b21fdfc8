// Bugs that only a power cut shows, put into the compiled daemon.
import type { Patch } from '../../support/built-daemon.ts';

export const BUGS: Readonly<Record<string, readonly Patch[]>> = {
  'brings no content to the disk': [
    { file: 'drain/transfer.js', from: 'await whileSyncing(() => file.sync(signal));', to: ';' },
  ],
  'syncs no folder before a name is used again': [
    { file: 'spool/spool-directory.js', from: 'await this.#removedNames.settle(path, parent);', to: '' },
  ],
  'answers 201 before the content is on the disk': [
    {
      file: 'spool/deposit.js',
      from: 'await this.#ports.turns.run({ sync: () => synced(fd) });',
      to: '',
    },
  ],
  'answers 201 before the name is on the disk': [
    {
      file: 'spool/folder-syncs.js',
      from: 'return folder.sync();',
      to: 'return Promise.resolve();',
    },
  ],
};
