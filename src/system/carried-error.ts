// Carries errors from one thread to the other. Structured cloning keeps neither their class nor
// their code.
import { inspect } from 'node:util';
import { Fault, type FaultClass } from './fault.ts';

export interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields with plain values: code, errno, syscall, address, hint. */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly cause: CarriedError | undefined;
  /** The errors of an AggregateError, one for each address that was tried. */
  readonly errors: readonly CarriedError[] | undefined;
}

const PLAIN = new Set(['string', 'number', 'boolean']);

/** How many levels of causes are carried. An error may even be its own cause. */
const DEPTH_MAX = 8;

/** Makes plain data of anything that was thrown. `depth` is for its own recursion. */
export function carry(error: unknown, depth = 0): CarriedError {
  if (!(error instanceof Error)) return carry(new Error(typeof error === 'string' ? error : inspect(error)));
  const isDeep = depth === DEPTH_MAX;
  const plain = Object.entries(error).filter(([, value]) => PLAIN.has(typeof value));
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    fields: Object.fromEntries(plain),
    cause: error.cause === undefined || isDeep ? undefined : carry(error.cause, depth + 1),
    errors:
      error instanceof AggregateError && !isDeep
        ? error.errors.map((one) => carry(one, depth + 1))
        : undefined,
  };
}

/** Restores the error: a Fault, an AggregateError, or an Error with its former name and fields. */
export function uncarry({ name, message, stack, fields, cause, errors }: CarriedError): Error {
  const options = cause === undefined ? {} : { cause: uncarry(cause) };
  if (name === 'Fault') {
    const { faultClass, operation, subject, ...more } = fields as Record<string, string>;
    const details = { operation: `${operation}`, subject: `${subject}`, ...more, ...options };
    return new Fault(faultClass as FaultClass, message, details);
  }
  const error =
    errors === undefined
      ? new Error(message, options)
      : new AggregateError(errors.map(uncarry), message, options);
  Object.defineProperties(error, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  });
  return Object.assign(error, fields);
}
