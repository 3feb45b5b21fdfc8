// The section `ingest` of the schema.
import { filePath, size, wholeNumber } from './formats.ts';
import { backlogLimit, tlsFiles } from './ingest-formats.ts';
import { ingestListen } from './listen-format.ts';
import type { OptionDraft } from './option.ts';

export const ingestOptions = {
  listen: {
    doc: 'Where to take files over HTTP into the spool: a port alone means for this machine only, an address and a port, such as 192.0.2.7:8443, for the network, a path for a Unix socket, systemd for a socket that systemd has opened. Not set: no files are taken over HTTP.',
    accepts: ingestListen,
    default: null,
    nullable: true,
    example: '8080',
  },
  tokensFile: {
    doc: 'The file with the tokens of producers, which halfpipe token add writes. Every request must have a token. A change takes effect at once.',
    accepts: filePath('/etc/halfpipe/ingest-tokens.json'),
    default: null,
    nullable: true,
    example: '/etc/halfpipe/ingest-tokens.json',
  },
  tls: {
    doc: 'The files of a certificate, with its chain, and of its key, both PEM: files are then taken over HTTPS. A reload reads them again.',
    accepts: tlsFiles,
    default: null,
    nullable: true,
    example: '{certificate: /etc/halfpipe/ingest.pem, key: /etc/halfpipe/ingest.key}',
  },
  maxFileSize: {
    doc: 'The largest file that is taken over HTTP.',
    accepts: size('1 KiB', '5 TiB'),
    default: '1 GiB',
  },
  maxConcurrent: {
    doc: 'How many files are taken at once. While several tokens are valid, each gets at most half of that. A request beyond it is told to come again.',
    accepts: wholeNumber(1, 1024),
    default: 128,
  },
  minFreeSpace: {
    doc: "What must stay free on the spool's file system. A file that does not fit beside it is refused.",
    accepts: size('1 MiB', '64 TiB'),
    default: '256 MiB',
  },
  backlogLimit: {
    doc: 'The backlog beyond which producers are told to wait: files, bytes, or the time since its oldest file was last changed (age), or several of these. Not set: the disk is the limit.',
    accepts: backlogLimit,
    default: null,
    nullable: true,
    example: '{files: 100000, bytes: 50 GiB, age: 12 h}',
  },
} satisfies Readonly<Record<string, OptionDraft<unknown>>>;
