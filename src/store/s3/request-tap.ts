// A tap between the SDK and its request handler. It shows a command's request once it is signed,
// and can give the SDK an answer that has arrived already, so that the SDK judges an answer to a
// request that it did not send.
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import type { HttpRequest, SmallAnswer } from '../../transport/http-request.ts';

/** How a request ended that was sent without the SDK. */
export interface Arrived {
  /** When it was sent, by the monotonic clock. */
  readonly startedAtMs: number;
  readonly outcome: SmallAnswer | { readonly error: unknown };
}

export interface Tap {
  /** Called with the request of each attempt. */
  readonly onSigned?: (request: HttpRequest) => void;
  /** Stands for what the command's first attempt would be answered. */
  readonly arrived?: Arrived;
}

const TAP = Symbol('tap');

interface Tapped {
  [TAP]?: Tap;
}

/** Returns the same command, with the tap attached. The client must be tapped. */
export function withTap<Command extends { readonly input: object }>(command: Command, tap: Tap): Command {
  const input: Tapped = command.input;
  input[TAP] = tap;
  return command;
}

/** What arrived for the command of this input, until the SDK has been given it. */
export function arrivedFor(input: object): Arrived | undefined {
  return (input as Tapped)[TAP]?.arrived;
}

/** Makes `client` heed the taps of its commands. */
export function tapRequests(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const input = args.input as Tapped;
      const { arrived, onSigned } = input[TAP] ?? {};
      onSigned?.(args.request as HttpRequest);
      if (arrived === undefined) return next(args);
      // Later attempts are really sent.
      delete input[TAP];
      if ('error' in arrived.outcome) throw arrived.outcome.error;
      const { statusCode, headers, body } = arrived.outcome;
      const response = { statusCode, headers: { ...headers }, body: streamOf(body) };
      // The deserializer around this makes the output.
      return { response, output: undefined as never };
    },
    // Here the request is signed and is not copied any more.
    { step: 'deserialize', priority: 'low', name: 'tapRequests' },
  );
}

/** The SDK looks for errors in answers with status 200 only if the body is a stream. */
function streamOf(bytes: Uint8Array): Readable {
  const body = new Readable({ read: () => undefined });
  if (bytes.byteLength > 0) body.push(bytes);
  body.push(null);
  return body;
}
