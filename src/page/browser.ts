// What the page takes from the browser that is not in the document: time, and whether it is seen.

export function nowMs(): number {
  return Date.now();
}

export function repeatEvery(ms: number, run: () => void): void {
  setInterval(run, ms);
}

export function isVisible(): boolean {
  return document.visibilityState === 'visible';
}

/** The time of day by the browser's own clock and zone. */
export function localTime(atMs: number): string {
  return new Date(atMs).toLocaleTimeString(undefined, { hour12: false });
}

/** The element, which the document must have. */
export function elementById(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}
