// Forecasts for tests of what shows them.
import type { EtaView, ForecastView } from '../../src/view/backlog-view.ts';

/** 2026-01-15, 14:00 local time. */
export const AT_TWO_MS = new Date(2026, 0, 15, 14).getTime();

/** An end between two times from AT_TWO_MS on. */
export function etaIn(lowMs: number, highMs: number | null = lowMs): EtaView {
  return {
    ...{ lowMs, highMs },
    lowAtMs: AT_TWO_MS + lowMs,
    highAtMs: highMs === null ? null : AT_TWO_MS + highMs,
  };
}

export function forecastOf(
  verdict: ForecastView['verdict'],
  others: Partial<ForecastView> = {},
): ForecastView {
  return { verdict, eta: null, basis: null, shareToHold: null, diskFullMs: null, ...others };
}
