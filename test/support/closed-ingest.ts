// Options of an ingest that nothing opens: only that they differ matters to what is tested with them.
import type { IngestOptions } from '../../src/ingest/ingest-options.ts';

export const INGEST_OPTIONS: IngestOptions = {
  listen: { kind: 'tcp', addresses: ['127.0.0.1'], port: 8080 },
  spoolPath: '/spool',
  ignore: [],
  tokensFile: '/tokens',
  tls: undefined,
  ...{ maxFileSizeBytes: 1, maxPathBytes: 1, maxConcurrent: 1, minFreeSpaceBytes: 1, syncsAtOnce: 1 },
  backlogLimit: undefined,
};
