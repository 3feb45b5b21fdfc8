// What the listener for observers answers, and under which paths. Every answer shows one snapshot.
import { type Get, type Routes, send, sendText } from '../http/routes.ts';
import { redacted } from '../view/redacted.ts';
import { healthOf } from './health-answer.ts';
import type { ObservationPorts } from './observe-ports.ts';

export function observedRoutes({ snapshot, redact }: ObservationPorts): Routes {
  return new Map<string, Get>([
    ['/', (_, response) => sendText(response, 200, 'halfpipe: /status.json and /healthz')],
    [
      '/status.json',
      (_, response) => send(response, 200, 'application/json', `${redacted(snapshot(), redact)}\n`),
    ],
    [
      '/healthz',
      (_, response) => {
        const { isHealthy, text } = healthOf(snapshot());
        sendText(response, isHealthy ? 200 : 503, redact(text));
      },
    ],
  ]);
}
