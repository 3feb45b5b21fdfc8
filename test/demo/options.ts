// What `npm start -- …` understands.
import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Images in the spool at the start. */
  readonly files: number;
  /** Exit after draining, with 0 when every image is in the bucket. */
  readonly once: boolean;
  /** The summary comes after this long when the spool is not empty before. */
  readonly seconds: number;
  /** Of the embedded S3 server. */
  readonly port: number;
  /** The images arrive over HTTP while they drain. */
  readonly ingest: boolean;
  readonly help: boolean;
}

export const USAGE = `usage: npm start -- [options]

Runs halfpipe against an S3 server on this machine, with a spool full of images.

  --files N     images in the spool at the start (5000; about 62 go each second)
  --once        exit after draining: 0 when every image is in the bucket, else 1
  --seconds N   summary after this long, if the spool is not empty before (85)
  --ingest      the spool is empty at the start, and the images arrive over HTTP while they drain
  --port N      port of the embedded S3 server (4568); halfpipe's page is at the next one
  --help        this text

Everything is kept below ./var and can be deleted at any time.`;

/** Throws an Error with a line for people when an option is unknown or a value is out of range. */
export function parseDemoOptions(argv: readonly string[]): DemoOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      files: { type: 'string', default: '5000' },
      once: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '85' },
      port: { type: 'string', default: '4568' },
      ingest: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    files: wholeNumber('--files', values.files, 0, 1_000_000),
    once: values.once,
    seconds: wholeNumber('--seconds', values.seconds, 1, 86_400),
    port: wholeNumber('--port', values.port, 1, 65_535),
    ingest: values.ingest,
    help: values.help,
  };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
}
