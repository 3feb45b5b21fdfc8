// The only list of options. The loader, config/halfpipe.yaml and the table of config/README.md all
// follow from it. Names carry no unit here: values are typed with theirs.
import { counterSource } from './counter-format.ts';
import {
  autoOr,
  duration,
  flag,
  interfaceName,
  oneOf,
  patterns,
  rateOrRates,
  share,
  shareOrRate,
  size,
  spoolPath,
  wholeNumber,
} from './formats.ts';
import { nameOptions, type Option } from './option.ts';
import { s3Options } from './s3-options.ts';

const RATE_MIN = '8 kbit/s';
const RATE_MAX = '1 Tbit/s';

export const schema = nameOptions({
  spool: {
    path: {
      doc: 'Directory to drain, subfolders included. Files leave it only once S3 is proven to hold their bytes.',
      accepts: spoolPath,
      default: '/var/spool/halfpipe',
      live: false,
    },
    settle: {
      doc: 'A file is complete when it is not open for writing and has not changed for this long; for 5 times as long when it was written in place, and 15 times where open files cannot be recognised. 0 s is right when producers rename finished files into place.',
      accepts: duration('0 s', '7 d'),
      default: '2 s',
    },
    ignore: {
      doc: 'Names to leave alone. A pattern without / is matched against each part of the path, one with / against the whole path below the spool.',
      accepts: patterns,
      default: ['.*', '*~', '*.tmp', '*.part', '*.partial', '*.crdownload', '*.filepart', '*.swp'],
    },
    rescan: {
      doc: 'Time between full scans of the spool, which find what file events missed.',
      accepts: duration('100 ms', '1 d'),
      default: '30 s',
    },
    order: {
      doc: 'Which file goes first: oldest-first, newest-first, smallest-first or name.',
      accepts: oneOf('oldest-first', 'newest-first', 'smallest-first', 'name'),
      default: 'oldest-first',
    },
    pruneEmptyDirs: {
      doc: 'Remove subfolders that have become empty.',
      accepts: flag,
      default: false,
    },
  },
  link: {
    interface: {
      doc: 'Network interface whose traffic counts. auto is the one that leads to the S3 endpoint.',
      accepts: autoOr(interfaceName),
      default: 'auto',
      example: 'eth0',
    },
    capacity: {
      doc: "The uplink's rate, or one for each network interface, such as {eth0: 100 Mbit/s, wwan0: 5 Mbit/s}. auto asks the network card, but the uplink is often slower than the card: set the rate your provider promises for uploads. Virtual cards, Wi-Fi and modems know no rate; then this is required.",
      accepts: autoOr(rateOrRates(RATE_MIN, RATE_MAX)),
      default: 'auto',
      example: '100 Mbit/s',
    },
    counter: {
      doc: "Another counter of the bytes that leave over the line, where the card carries other traffic as well: a file with a number, or a metric of a Prometheus page, such as the router's own. Not set: the card's.",
      accepts: counterSource,
      default: null,
      nullable: true,
      example: 'http://192.168.1.1:9100/metrics#node_network_transmit_bytes_total{device="wan"}',
    },
    share: {
      doc: 'How much of the capacity all uploads on the link may use together, those of other programs included.',
      accepts: share,
      default: '50 %',
    },
    floor: {
      doc: 'What halfpipe sends at least, however much others send: a share of the capacity, or a rate.',
      accepts: shareOrRate(RATE_MIN, RATE_MAX),
      default: '1 %',
      example: '500 kbit/s',
    },
    sampleInterval: {
      doc: "Time between readings of the network card's counters, from 10 ms to 1 s.",
      accepts: duration('10 ms', '1 s'),
      default: '50 ms',
    },
  },
  s3: s3Options,
  upload: {
    concurrency: {
      doc: 'Uploads at once. auto finds the number that keeps the share filled.',
      accepts: autoOr(wholeNumber(1, 1024)),
      default: 'auto',
      example: '8',
    },
    maxConcurrency: {
      doc: 'Most uploads at once that auto may choose.',
      accepts: wholeNumber(1, 1024),
      default: 256,
    },
    maxMemory: {
      doc: 'File content held in memory at once, over all uploads: half for files sent whole, half for those in parts. It bounds the largest file, whose at most 10,000 parts grow with it: 96 MiB are enough for 234 GiB. Below four parts it may be exceeded by one upload. What is just being sent is in memory twice: up to 512 KiB of each request.',
      accepts: size('5 MiB', '64 GiB'),
      default: '96 MiB',
    },
    deadline: {
      doc: 'Longest one request may take, not counting its wait for the link.',
      accepts: duration('1 s', '1 d'),
      default: '15 min',
    },
    idleTimeout: {
      doc: 'Longest silence on a connection.',
      accepts: duration('1 s', '1 h'),
      default: '60 s',
    },
    connectTimeout: {
      doc: 'Longest wait for a connection.',
      accepts: duration('100 ms', '5 min'),
      default: '10 s',
    },
    stopTimeout: {
      doc: 'How long a stop waits for uploads in flight before it aborts them.',
      accepts: duration('0 s', '1 h'),
      default: '20 s',
    },
  },
  retry: {
    initial: {
      doc: 'Wait before the second attempt at a file; doubles with each further one.',
      accepts: duration('10 ms', '1 d'),
      default: '1 s',
    },
    max: {
      doc: 'Longest wait between attempts.',
      accepts: duration('10 ms', '1 d'),
      default: '5 min',
    },
    maxAttempts: {
      doc: 'Attempts that speak against a file (the store refuses it and takes others, or the disk cannot read it) before it goes to quarantine.',
      accepts: wholeNumber(1, 1000),
      default: 10,
    },
    probe: {
      doc: 'Time between probes while a fault no file is to blame for (credentials, bucket, network) pauses the drain.',
      accepts: duration('100 ms', '1 d'),
      default: '15 s',
    },
  },
  log: {
    level: {
      doc: 'Least severity to log: debug, info, warn or error. debug adds a line for each request to the store, each scan and each step of the removal of a file, and one a second while files are sent: the measured rates and the budget.',
      accepts: oneOf('debug', 'info', 'warn', 'error'),
      default: 'info',
    },
    format: {
      doc: 'auto writes text to a terminal, entries with fields to the journal of systemd, JSON elsewhere; json or text is always lines of that.',
      accepts: oneOf('auto', 'json', 'text'),
      default: 'auto',
      live: false,
    },
  },
});

/** Every option by its key, in the order of the file. */
export const optionByKey: ReadonlyMap<string, Option<unknown>> = new Map(
  Object.values(schema)
    .flatMap((section): Option<unknown>[] => Object.values(section))
    .map((option) => [option.key, option]),
);
