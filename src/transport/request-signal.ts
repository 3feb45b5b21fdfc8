// Carries a request's abort signal to the handler past the SDK: given as an option of `send`, it
// makes the SDK put together its middleware for every request anew, which is a sixth of what a
// small upload costs the store's side.
import type { S3Client } from '@aws-sdk/client-s3';

const SIGNAL = Symbol('abort signal');
const signals = new WeakMap<object, AbortSignal>();

interface Signalled {
  [SIGNAL]?: AbortSignal;
}

/** The command itself, to be sent by a client that carries signals. */
export function withSignal<Command extends { readonly input: object }>(
  command: Command,
  signal: AbortSignal,
): Command {
  const input: Signalled = command.input;
  input[SIGNAL] = signal;
  return command;
}

/** Has `client` hand the signals of its commands on to its request handler. */
export function carrySignals(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { [SIGNAL]: signal } = args.input as Signalled;
      if (signal !== undefined) signals.set(args.request as object, signal);
      return next(args);
    },
    // Where the request is signed and is not copied any more.
    { step: 'deserialize', priority: 'low', name: 'carrySignals' },
  );
}

/** The signal for the request handler; undefined where there is none. */
export function signalOf(request: object): AbortSignal | undefined {
  return signals.get(request);
}
