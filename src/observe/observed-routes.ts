// What the listener for observers answers, and under which paths. Every answer shows one snapshot.
import type { ServerResponse } from 'node:http';
import { type Get, type Routes, send, sendText } from '../http/routes.ts';
import { healthText, isHealthy } from '../view/health-text.ts';
import { redacted } from '../view/redacted.ts';
import type { LiveFeed } from './live-feed.ts';
import type { ObservationPorts } from './observe-ports.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export function observedRoutes(
  { snapshot, history, redact }: ObservationPorts,
  feed: LiveFeed,
  page: ReadonlyMap<string, Get>,
): Routes {
  return new Map<string, Get>([
    ['/', (_, response) => sendText(response, 200, 'halfpipe: /metrics, /status.json and /healthz')],
    ...page,
    ['/events', (request, response) => feed.join(request, response)],
    [
      '/history/10-minutes.json',
      (_, response) => sendJson(response, JSON.stringify(history(10 * MINUTE_MS))),
    ],
    ['/history/day.json', (_, response) => sendJson(response, JSON.stringify(history(DAY_MS)))],
    [
      '/metrics',
      async (request, response) => {
        // The library takes 20 MB of memory, so it is loaded at the first scrape.
        const { renderMetrics } = await import('./metrics.ts');
        const { type, body } = await renderMetrics(snapshot(), {
          accept: request.headers.accept,
          isDaemon: true,
        });
        send(response, 200, type, body);
      },
    ],
    ['/status.json', (_, response) => sendJson(response, redacted(snapshot(), redact))],
    [
      '/healthz',
      (_, response) => {
        const now = snapshot();
        sendText(response, isHealthy(now) ? 200 : 503, redact(healthText(now)));
      },
    ],
  ]);
}

function sendJson(response: ServerResponse, json: string): void {
  send(response, 200, 'application/json', `${json}\n`);
}
