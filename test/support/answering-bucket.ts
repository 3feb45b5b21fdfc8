// A bucket whose client answers as a function does, without a server: for tests of what is asked, in which order, and of
// what follows from an answer.
import type { S3Client } from '@aws-sdk/client-s3';
import { S3Bucket } from '../../src/store/s3/bucket.ts';
import type { Diagnosis } from '../../src/store/s3/diagnosis.ts';
import type { StoreEvent } from '../../src/store/s3/store-event.ts';
import { SimClock } from './sim-clock.ts';

export type Input = Readonly<Record<string, unknown>>;

/** Answers one request, by default with nothing; throws to refuse it. `nth` counts the requests of a name from 1. */
export type Answering = (
  name: string,
  input: Input,
  nth: number,
  signal?: AbortSignal,
) => object | undefined | Promise<object>;

const NO_SETTINGS = {
  ...{ storageClass: undefined, serverSideEncryption: undefined, kmsKeyId: undefined },
  ...{ metadata: {}, tags: {} },
};

export const NEVER = new AbortController().signal;

export function answeringBucket(answer: Answering, diagnosis?: Pick<Diagnosis, 'of'>) {
  const asked: { readonly name: string; readonly input: Input }[] = [];
  const notices: string[] = [];
  const send = async (command: { readonly input: Input }) => {
    const signal = signalOf(command.input);
    // Without the signal, which is no field of the request.
    const input = Object.fromEntries(Object.entries(command.input));
    const name = command.constructor.name.replace(/Command$/, '');
    asked.push({ name, input });
    const nth = asked.filter((one) => one.name === name).length;
    const answered = await answer(name, input, nth, signal);
    return { $metadata: { httpStatusCode: 200, attempts: 1 }, ...answered };
  };
  const config = {
    credentials: async () => ({ accessKeyId: 'a', secretAccessKey: 'b' }),
    requestHandler: {},
    // lib-storage asks for it.
    requestChecksumCalculation: async () => 'WHEN_REQUIRED',
  };
  const client = { send, config } as unknown as S3Client;
  const onEvent = (event: StoreEvent) => {
    if (event.kind === 'notice') notices.push(event.notice);
  };
  const place = { name: 'b', endpoint: 'e', prefix: '', onEvent };
  const clock = new SimClock();
  const bucket = new S3Bucket(place, client, NO_SETTINGS, clock, diagnosis);
  const names = () => asked.map(({ name }) => name);
  return { asked, notices, clock, client, bucket, names };
}

/** As withSignal has left it. */
function signalOf(input: object): AbortSignal {
  for (const symbol of Object.getOwnPropertySymbols(input)) {
    const value: unknown = Reflect.get(input, symbol);
    if (value instanceof AbortSignal) return value;
  }
  throw new TypeError('a request carries no signal');
}

/** What the SDK throws for an answer of this status. */
export function refusal(status: number, name: string): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}
