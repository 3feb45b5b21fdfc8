// Turns an error into flat fields of a log record. It takes only the fields named here: an SDK
// error also carries the request with its headers, and those must never reach a log.
import { errnoOf, Fault } from '../system/fault.ts';

/** How many causes are followed: enough to find the root, and a limit for cycles. */
const CAUSES_MAX = 5;

/**
 * The fields of `error`: for a Fault its class, operation, subject, code and hint; for any other
 * error its name and stack.
 */
export function faultFields(error: Error): Record<string, unknown> {
  const causes = causeMessages(error);
  const shared = { error: messageOf(error), ...(causes.length > 0 && { causes }) };
  if (error instanceof Fault) {
    const { faultClass, operation, subject, code, hint, retryAfterMs } = error;
    return { ...shared, faultClass, operation, subject, code, hint, retryAfterMs };
  }
  return { ...shared, errorName: error.name, code: errnoOf(error), ...answerOf(error), stack: error.stack };
}

function causeMessages(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause instanceof Error && messages.length < CAUSES_MAX; cause = cause.cause) {
    messages.push(messageOf(cause));
  }
  return messages;
}

/**
 * `ECONNREFUSED` comes as an AggregateError without a message. Then the message of its first error,
 * or its code, is used.
 */
function messageOf(error: Error): string {
  if (error.message !== '') return error.message;
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error && first.message !== '' ? first.message : (errnoOf(error) ?? error.name);
}

/** Status and request id of the store's answer, which the store's operator will ask for. */
function answerOf(error: Error): Record<string, unknown> {
  const metadata: unknown = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null) return {};
  return {
    httpStatus: 'httpStatusCode' in metadata ? metadata.httpStatusCode : undefined,
    requestId: 'requestId' in metadata ? metadata.requestId : undefined,
  };
}
