// The section `packets` of the schema.
import { duration, flag, oneOf, patterns, size, wholeNumber } from './formats.ts';
import type { OptionDraft } from './option.ts';
import { packetKeyTemplate } from './packet-key-format.ts';

export const packetsOptions = {
  enabled: {
    doc: 'Send small files together in zip files, packets, instead of an object for each. A file is removed only after S3 has provably stored its packet, and halfpipe fetch brings one file back. It saves requests and, on long lines, time; see config/OPERATING.md.',
    accepts: flag,
    default: false,
  },
  match: {
    doc: 'Which files are packed. A pattern without / is matched against the name, a pattern with / against the whole path below the spool. All other files are sent by themselves.',
    accepts: patterns,
    default: ['*'],
    example: "['*.json', 'logs/**']",
  },
  maxFileSize: {
    doc: 'Larger files are sent by themselves.',
    accepts: size('1 B', '64 MiB'),
    default: '1 MiB',
  },
  size: {
    doc: 'A packet is complete when the files in it have this size together, before compression.',
    accepts: size('1 KiB', '4 GiB'),
    default: '16 MiB',
  },
  maxFiles: {
    doc: 'A packet is complete when it has this many files.',
    accepts: wholeNumber(2, 100_000),
    default: 10_000,
  },
  maxDelay: {
    doc: 'A packet is complete when its first file has waited for this long. A file that is then alone is sent by itself.',
    accepts: duration('0 s', '1 d'),
    default: '30 s',
  },
  groupBy: {
    doc: 'Which files may share a packet: none means all, folder those of one folder, hour those last changed in the same hour (UTC). Choose what is later read or deleted together.',
    accepts: oneOf('none', 'folder', 'hour'),
    default: 'none',
  },
  compress: {
    doc: 'auto compresses files of a kind, by the end of their names, of which a sample shrinks by 10 % or more. always and never do what they say.',
    accepts: oneOf('auto', 'always', 'never'),
    default: 'auto',
  },
  key: {
    doc: "A packet's key, after s3.prefix. {date} and {time} are those of the packing (UTC), {host} is the name of this machine, {group} the folder or hour that its files share. {digest} is required, because it keeps keys apart: the beginning of the packet's SHA-256.",
    accepts: packetKeyTemplate,
    default: 'packets/{group}/{date}T{time}Z-{host}-{digest}.zip',
  },
} satisfies Readonly<Record<string, OptionDraft<unknown>>>;
