// The only list of options. The loader, config/halfpipe.yaml and the table of config/README.md all
// follow from it. Names carry no unit here, because values are written with theirs.
import { counterSource } from './counter-format.ts';
import {
  autoOr,
  duration,
  filePath,
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
import { ingestOptions } from './ingest-section.ts';
import { hostNames, listenAt } from './listen-format.ts';
import { nameOptions, type Option } from './option.ts';
import { packetsOptions } from './packets-section.ts';
import { s3Options } from './s3-options.ts';
import { timetable } from './timetable-format.ts';

const RATE_MIN = '8 kbit/s';
const RATE_MAX = '1 Tbit/s';

export const schema = nameOptions({
  spool: {
    path: {
      doc: 'The folder to drain, including its subfolders. A file is removed only after S3 has provably stored its bytes.',
      accepts: spoolPath,
      default: '/var/spool/halfpipe',
      live: false,
    },
    settle: {
      doc: 'A file is complete when it is not open for writing and has not changed for this long. It takes 5 times as long for a file that was written in place, and 15 times where open files cannot be recognised. Use 0 s if producers rename finished files into place.',
      accepts: duration('0 s', '7 d'),
      default: '2 s',
    },
    ignore: {
      doc: 'Names to leave alone. A pattern without / is matched against each part of the path, a pattern with / against the whole path below the spool.',
      accepts: patterns,
      default: ['.*', '*~', '*.tmp', '*.part', '*.partial', '*.crdownload', '*.filepart', '*.swp'],
    },
    rescan: {
      doc: 'Time between full scans of the spool, which find files that no event reported. While 200,000 files or more wait, it is this time for each 100,000 of them, and at most 2 min or 9 times what the last scan took.',
      accepts: duration('100 ms', '1 d'),
      default: '30 s',
    },
    order: {
      doc: 'Which file is uploaded first: oldest-first, newest-first, smallest-first or name. While the first scan after a start runs, it is the first of those found so far.',
      accepts: oneOf('oldest-first', 'newest-first', 'smallest-first', 'name'),
      default: 'oldest-first',
    },
    maxIndexed: {
      doc: 'How many waiting files are kept in memory, at most 64 bytes and the path for each. Of more files, those that come first are kept, and the spool is scanned again when a quarter of them is left.',
      accepts: wholeNumber(1_000, 100_000_000),
      default: 200_000,
    },
    pruneEmptyDirs: {
      doc: 'Remove subfolders that draining has emptied.',
      accepts: flag,
      default: false,
    },
  },
  link: {
    interface: {
      doc: 'Network interface whose traffic is counted. auto means the interface that leads to the S3 endpoint.',
      accepts: autoOr(interfaceName),
      default: 'auto',
      example: 'eth0',
    },
    capacity: {
      doc: "The uplink's rate, or a rate for each network interface, such as {eth0: 100 Mbit/s, wwan0: 5 Mbit/s}. auto asks the network card, but the uplink is often slower than the card: set the upload rate that your provider promises. Virtual cards, Wi-Fi and modems report no usable rate; then this option is required.",
      accepts: autoOr(rateOrRates(RATE_MIN, RATE_MAX)),
      default: 'auto',
      example: '100 Mbit/s',
    },
    counter: {
      doc: "Another counter of the bytes sent on the line, for a card that carries other traffic as well: a file with a number, or a metric on a Prometheus page, for example the router's. Not set: the card's counter.",
      accepts: counterSource,
      default: null,
      nullable: true,
      example: 'http://192.168.1.1:9100/metrics#node_network_transmit_bytes_total{device="wan"}',
    },
    share: {
      doc: 'The part of the capacity that all upload traffic on the link may use together, including that of other programs.',
      accepts: share,
      default: '50 %',
    },
    timetable: {
      doc: 'Other shares at certain times of the week, by the local clock: days such as mon-fri, sat,sun or daily, from a time on and before another one, which may lie on the next day. Entries must not overlap. At all other times, link.share holds.',
      accepts: timetable,
      default: [],
      example: '[{days: mon-fri, from: 08:00, to: 18:00, share: 30 %}]',
    },
    floor: {
      doc: 'What halfpipe may always send, however much others send: a share of the capacity, or a rate.',
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
      doc: 'Number of concurrent uploads. auto finds the number that keeps the share filled.',
      accepts: autoOr(wholeNumber(1, 1024)),
      default: 'auto',
      example: '8',
    },
    maxConcurrency: {
      doc: 'The most concurrent uploads that auto may choose.',
      accepts: wholeNumber(1, 1024),
      default: 256,
    },
    maxMemory: {
      doc: 'Memory for file content, over all uploads. Half is for multipart uploads, and a quarter for files sent whole. It limits the largest file, because a file has at most 10,000 parts: 96 MiB allow 234 GiB. A value below four parts may be exceeded by one upload.',
      accepts: size('5 MiB', '64 GiB'),
      default: '96 MiB',
    },
    deadline: {
      doc: 'The longest time one request may take, not counting its wait for the link.',
      accepts: duration('1 s', '1 d'),
      default: '15 min',
    },
    idleTimeout: {
      doc: 'The longest silence on a connection.',
      accepts: duration('1 s', '1 h'),
      default: '60 s',
    },
    connectTimeout: {
      doc: 'The longest wait for a connection.',
      accepts: duration('100 ms', '5 min'),
      default: '10 s',
    },
    stopTimeout: {
      doc: 'How long a stop waits for uploads in flight before it aborts them.',
      accepts: duration('0 s', '1 h'),
      default: '20 s',
    },
  },
  packets: packetsOptions,
  retry: {
    initial: {
      doc: 'The wait before the second attempt at a file. It doubles with each further attempt.',
      accepts: duration('10 ms', '1 d'),
      default: '1 s',
    },
    max: {
      doc: 'The longest wait between attempts.',
      accepts: duration('10 ms', '1 d'),
      default: '5 min',
    },
    maxAttempts: {
      doc: 'After this many failed attempts for which the file itself is to blame, the file is quarantined: the store refuses it but accepts others, or the disk cannot read it.',
      accepts: wholeNumber(1, 1000),
      default: 10,
    },
    probe: {
      doc: 'Time between probes while the drain is paused, that is, while the store is to blame (credentials, bucket, network).',
      accepts: duration('100 ms', '1 d'),
      default: '15 s',
    },
  },
  observe: {
    listen: {
      doc: 'Where to serve metrics for Prometheus, the state as JSON and a page: a port alone means for this machine only, an address and a port, such as 192.0.2.7:9464, for the network. Not set: nothing is served.',
      accepts: listenAt,
      default: null,
      nullable: true,
      example: '9464',
    },
    tokenFile: {
      doc: 'A file with a token that every request to observe.listen must then have: as Authorization: Bearer TOKEN, or as the password that a browser asks for, with any user. A reload reads it again.',
      accepts: filePath('/etc/halfpipe/observe-token'),
      default: null,
      nullable: true,
      example: '/etc/halfpipe/observe-token',
    },
    hosts: {
      doc: 'Names under which this machine is reached at observe.listen, if not by its addresses. A request for another name is refused, so that no web page can read the status through a browser.',
      accepts: hostNames,
      default: [],
      example: '[camera-7.example.com]',
    },
  },
  manifest: {
    path: {
      doc: 'A file outside the spool that gets a line of JSON for every uploaded file, on the disk before the file is removed; see halfpipe verify. While it cannot be written, draining is paused. Not set: no manifest is kept.',
      accepts: filePath('/var/lib/halfpipe/manifest.jsonl'),
      default: null,
      nullable: true,
      example: '/var/lib/halfpipe/manifest.jsonl',
    },
    maxSize: {
      doc: 'The file is renamed, and a new one begun, before it grows beyond this size, and with each new day (UTC).',
      accepts: size('64 KiB', '64 GiB'),
      default: '64 MiB',
    },
    keep: {
      doc: 'Renamed manifest files are deleted after this time.',
      accepts: duration('1 h', '36500 d'),
      default: '90 d',
    },
    maxTotal: {
      doc: 'The most that all manifest files may occupy together. Beyond it, the oldest are deleted.',
      accepts: size('128 KiB', '64 TiB'),
      default: '10 GiB',
    },
  },
  ingest: ingestOptions,
  log: {
    level: {
      doc: 'The lowest severity to log: debug, info, warn or error. debug adds a line for each request to the store, each scan and each step of a removal, and one line a second while files are sent: the measured rates and the budget.',
      accepts: oneOf('debug', 'info', 'warn', 'error'),
      default: 'info',
    },
    format: {
      doc: 'auto writes text to a terminal, entries with fields to the systemd journal, and JSON elsewhere. json and text force that format.',
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
