// A handler for the SDK that sends within this thread: for commands, which have no other.
import { WholeContent } from './content.ts';
import { PacedHandler, type PacedHandlerOptions } from './paced-handler.ts';
import { SdkHandler } from './sdk-handler.ts';

export function localHandler(options: PacedHandlerOptions): SdkHandler {
  const handler = new PacedHandler(options);
  return new SdkHandler({
    begin: (head, body, sink) => handler.send(head, new WholeContent(body), sink),
    close: () => handler.close(),
  });
}
