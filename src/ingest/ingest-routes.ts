// From a request to the method that answers it. Fastify finds the route. It is not given the URL of
// the client but the name of a resource, so that a URL is read by one piece of code alone.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fastify, type HTTPMethods } from 'fastify';
import type { Exchange } from './exchange.ts';
import { Refusal } from './refusal.ts';
import type { Resource } from './request-target.ts';
import { refuseUnclear } from './unreadable-request.ts';

/** Answers the exchange, or rejects with a Refusal or a bug. */
export type Act = (exchange: Exchange) => void | Promise<void>;

/** All that exists. */
export type Acts = Readonly<
  Record<Resource, Readonly<Partial<Record<'GET' | 'HEAD' | 'POST' | 'PUT', Act>>>>
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    act?: Act;
  }
}

export interface RoutePorts {
  readonly acts: Acts;
  readonly exchangeOf: (request: IncomingMessage) => Exchange;
  /** `ended` resolves when the client has been told. */
  readonly onAnswering: (exchange: Exchange, ended: Promise<void>) => void;
  /** The request is refused: told to the client afterwards. */
  readonly onRefusal: (exchange: Exchange, refusal: Refusal) => void;
  /** A bug. */
  readonly onError: (error: unknown) => void;
}

/** Resolves with what answers a request. */
export async function routed(
  ports: RoutePorts,
): Promise<(request: IncomingMessage, response: ServerResponse) => void> {
  const { acts, exchangeOf } = ports;
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    rewriteUrl: (request) => `/${exchangeOf(request as IncomingMessage).target.resource ?? ''}`,
  });
  app.removeAllContentTypeParsers();
  // Before Fastify looks at anything of the request, because its answers are not ours.
  app.addHook('onRequest', (request, reply) => {
    reply.hijack();
    const { act = (exchange: Exchange) => refuseUnknown(exchange, acts) } = request.routeOptions.config;
    const exchange = exchangeOf(request.raw);
    ports.onAnswering(exchange, answered(ports, exchange, act));
  });
  for (const [resource, methods] of Object.entries(acts))
    for (const [method, act] of Object.entries(methods))
      app.route({ method: method as HTTPMethods, url: `/${resource}`, config: { act }, handler: never });
  app.setNotFoundHandler(never);
  await app.ready();
  return app.routing;
}

async function answered({ onRefusal, onError }: RoutePorts, exchange: Exchange, act: Act): Promise<void> {
  try {
    refuseUnclear(exchange.request);
    await act(exchange);
  } catch (error) {
    if (!(error instanceof Refusal)) onError(error);
    const refusal =
      error instanceof Refusal
        ? error
        : new Refusal('internal', 'This is a bug of halfpipe: its log says more');
    // Also if the client has gone and learns nothing: the operator does.
    onRefusal(exchange, refusal);
    if (exchange.isOver) return exchange.cut();
    await exchange.refuse(refusal);
  }
}

function refuseUnknown({ target, request }: Exchange, acts: Acts): never {
  if (target.resource === undefined)
    throw new Refusal('not-found', 'Nothing is here: /v1/openapi.json describes what there is');
  const allowed = Object.keys(acts[target.resource]).join(', ');
  throw new Refusal('method-not-allowed', `${request.method} is not for this path, but ${allowed} is`, {
    headers: { Allow: allowed },
  });
}

function never(): never {
  throw new Error('every request is answered before its handler');
}
