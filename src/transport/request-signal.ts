// Carries a request's abort signal past the SDK to the handler. Given as an option of `send`, a
// signal makes the SDK rebuild its middleware stack for every request, a sixth of the CPU of a
// small upload.
import type { S3Client } from '@aws-sdk/client-s3';

const SIGNAL = Symbol('abort signal');
const signals = new WeakMap<object, AbortSignal>();

interface Signalled {
  [SIGNAL]?: AbortSignal;
}

/** Returns the same command, with the signal attached. The client must carry signals. */
export function withSignal<Command extends { readonly input: object }>(
  command: Command,
  signal: AbortSignal,
): Command {
  const input: Signalled = command.input;
  input[SIGNAL] = signal;
  return command;
}

/** Makes `client` pass the signals of its commands to its request handler. */
export function carrySignals(client: S3Client): void {
  client.middlewareStack.add(
    (next) => (args) => {
      const { [SIGNAL]: signal } = args.input as Signalled;
      if (signal !== undefined) signals.set(args.request as object, signal);
      return next(args);
    },
    // Here the request is signed and is not copied any more.
    { step: 'deserialize', priority: 'low', name: 'carrySignals' },
  );
}

/** The signal for the request handler; undefined if there is none. */
export function signalOf(request: object): AbortSignal | undefined {
  return signals.get(request);
}
