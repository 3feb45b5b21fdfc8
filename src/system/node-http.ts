// Node's HTTP, without the WebSocket client that comes with `import … from 'node:http'`: such a
// statement reads every name that the module exports, and one of them loads the client. In each
// thread that takes 14 MB of memory.

export const http: Pick<typeof import('node:http'), 'createServer' | 'get' | 'request' | 'STATUS_CODES'> =
  process.getBuiltinModule('node:http');
