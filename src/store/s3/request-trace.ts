// Tells of each request that left for the store, and of its answer: a second attempt is a second
// request. Neither headers nor queries are told, because these hold signatures.
import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../system/clock.ts';
import { errnoOf } from '../../system/fault.ts';

export interface TracedRequest {
  /** As S3 names it: PutObject. */
  readonly operation: string;
  readonly key: string | undefined;
  readonly part: number | undefined;
  /** The status of the answer; undefined where there was none. */
  readonly status: number | undefined;
  /** The store's name of what is wrong, or the system's. */
  readonly error: string | undefined;
  /** To the head of the answer, the wait for the link included. */
  readonly durationMs: number;
  /** The size of the body that was sent. */
  readonly bytes: number;
}

export interface RequestTrace {
  /** Asked before each request: while it is false, a request costs nothing more. */
  readonly isWanted: () => boolean;
  readonly onRequest: (request: TracedRequest) => void;
}

export function traceRequests(client: S3Client, trace: RequestTrace, clock: Clock): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (!trace.isWanted()) return next(args);
        const startedMs = clock.monotonicMs();
        const { Key: key, PartNumber: part } = args.input as { Key?: string; PartNumber?: number };
        const { body } = args.request as { body?: unknown };
        const bytes = typeof body === 'string' || body instanceof Uint8Array ? Buffer.byteLength(body) : 0;
        const operation = commandName.replace(/Command$/, '');
        const tell = (status: number | undefined, error?: string) =>
          trace.onRequest({
            ...{ operation, key, part, status, error, bytes },
            durationMs: clock.monotonicMs() - startedMs,
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
    // Within the SDK's own attempts, around its reading of the answer.
    { step: 'deserialize', priority: 'high', name: 'traceRequests' },
  );
}

function statusIn(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function nameOf(error: unknown): string {
  return errnoOf(error) ?? (error instanceof Error ? error.name : 'unknown');
}
