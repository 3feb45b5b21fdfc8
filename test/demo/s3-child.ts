// The embedded S3 server as a process of its own, so that its work never delays the daemon or the view.
// Takes its options as the first IPC message, answers with `ready` or `failed`, and ends when its parent does.
import { startS3Server } from '../support/s3-server.ts';

export interface S3ChildOptions {
  readonly directory: string;
  readonly port: number;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Objects of earlier runs whose keys begin so are removed; all others stay. */
  readonly forgetPrefix: string;
}

export type S3ChildAnswer = { readonly ready: string } | { readonly failed: string };

process.once('message', (options: S3ChildOptions) => {
  serve(options).catch((error: unknown) => {
    tell({ failed: error instanceof Error ? error.message : String(error) });
    process.disconnect();
  });
});

async function serve({ bucket: name, forgetPrefix, ...options }: S3ChildOptions): Promise<void> {
  const server = await startS3Server({ ...options, buckets: [name] });
  const bucket = server.bucket(name);
  for (const key of bucket?.keys(forgetPrefix) ?? []) bucket?.delete(key);
  process.once('disconnect', () => void server.close());
  tell({ ready: server.endpoint });
}

function tell(answer: S3ChildAnswer): void {
  process.send?.(answer);
}
