// The format of `link.counter`, another counter of the line than the network card's.
import { posix } from 'node:path';
import type { Format } from './formats.ts';

export type CounterSource =
  /** A file that holds one number. */
  | { readonly kind: 'file'; readonly path: string }
  /** A metric on a page in Prometheus's text format. Several matching series are added up. */
  | {
      readonly kind: 'page';
      readonly url: string;
      readonly metric: string;
      readonly labels: Readonly<Record<string, string>>;
    };

/** `/path`, or `http://router:9100/metrics#node_network_transmit_bytes_total{device="wan"}`. */
export const counterSource: Format<CounterSource> = (value) => {
  if (typeof value === 'string' && posix.isAbsolute(value) && !value.includes('\0'))
    return { kind: 'file', path: posix.normalize(value) };
  const page = typeof value === 'string' ? pageOf(value) : undefined;
  if (page !== undefined) return page;
  throw new RangeError(
    'must be the absolute path of a file with a number, or a URL with a metric, such as http://192.168.1.1:9100/metrics#node_network_transmit_bytes_total{device="wan"}',
  );
};

function pageOf(text: string): CounterSource | undefined {
  const [, url = '', metric, labelText = ''] =
    /^(https?:\/\/[^\s#@]+)#([A-Za-z_:][\w:]*)\s*(?:\{(.*)\})?$/.exec(text.trim()) ?? [];
  if (metric === undefined || !URL.canParse(url)) return undefined;
  const pairs = labelText.split(',').filter((pair) => pair.trim() !== '');
  const labels = pairs.map((pair) => /^\s*([A-Za-z_]\w*)\s*=\s*"([^"]*)"\s*$/.exec(pair)?.slice(1));
  if (labels.includes(undefined)) return undefined;
  return {
    kind: 'page',
    url,
    metric,
    labels: Object.fromEntries(labels.filter((label) => label !== undefined)),
  };
}
