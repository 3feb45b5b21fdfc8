// Reports each request that was sent to the store, and its answer. A second attempt is a second
// request. Headers and queries are left out, because they hold signatures.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { errnoOf } from '../../system/fault.ts';
import { arrivedFor } from './request-tap.ts';
import type { StoreEvent } from './store-event.ts';

export function traceRequests(client: S3Client, onEvent: (event: StoreEvent) => void, clock: Clock): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const startedAtMs = arrivedFor(args.input)?.startedAtMs ?? clock.monotonicMs();
        const { Key: key, PartNumber: part } = args.input as { Key?: string; PartNumber?: number };
        const { body } = args.request as { body?: unknown };
        const bytes = typeof body === 'string' || body instanceof Uint8Array ? Buffer.byteLength(body) : 0;
        const operation = commandName.replace(/Command$/, '');
        const tell = (status: number | undefined, error?: string) =>
          onEvent({
            kind: 'request',
            request: {
              ...{ operation, key, part, status, error, bytes },
              durationMs: clock.monotonicMs() - startedAtMs,
            },
          });
        try {
          const answer = await next(args);
          tell((answer.response as { statusCode?: number } | undefined)?.statusCode);
          return answer;
        } catch (error) {
          tell(statusIn(error), nameOf(error));
          throw error;
        }
      },
    // Inside the SDK's attempts, around its reading of the answer.
    { step: 'deserialize', priority: 'high', name: 'traceRequests' },
  );
}

function statusIn(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.name : 'unknown');
}
