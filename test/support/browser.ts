// Debian's headless Chromium, and pages in it that remember what must not happen: errors, refused scripts and styles, and
// requests to other places than the page's own.
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Without these, Chromium calls its maker at each start. Root has no sandbox. */
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--no-first-run'],
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium-headless-shell', args: FLAGS });
}

export interface WatchedPage {
  readonly page: Page;
  /** What the console and the page complained about. */
  readonly complaints: string[];
  /** The origins of all requests. */
  readonly origins: Set<string>;
}

/** The page at `url` once it shows what the daemon says. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', ({ message }) => complaints.push(message));
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  await page.waitForSelector('[data-connection="live"]');
  return { page, complaints, origins };
}

/** The raw value of each field that stands outside lists, by its path. */
export async function shownFields(page: Page): Promise<ReadonlyMap<string, string>> {
  const fields: [string, string][] = await page.evaluate(
    `[...document.querySelectorAll('[data-field]')].filter((field) => !field.closest('[data-rows]'))
      .map((field) => [field.dataset.field, field.dataset.value])`,
  );
  return new Map(fields);
}
