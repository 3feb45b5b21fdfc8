// What the listener for observers answers, and under which paths. Every answer shows one snapshot.
import { type Get, type Routes, send, sendText } from '../http/routes.ts';
import { healthText, isHealthy } from '../view/health-text.ts';
import { redacted } from '../view/redacted.ts';
import type { ObservationPorts } from './observe-ports.ts';

export function observedRoutes({ snapshot, redact }: ObservationPorts): Routes {
  return new Map<string, Get>([
    ['/', (_, response) => sendText(response, 200, 'halfpipe: /metrics, /status.json and /healthz')],
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
    [
      '/status.json',
      (_, response) => send(response, 200, 'application/json', `${redacted(snapshot(), redact)}\n`),
    ],
    [
      '/healthz',
      (_, response) => {
        const now = snapshot();
        sendText(response, isHealthy(now) ? 200 : 503, redact(healthText(now)));
      },
    ],
  ]);
}
