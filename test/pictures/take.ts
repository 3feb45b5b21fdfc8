// Takes the README's pictures of the page: `npm run pictures`. They show a scene that is always the same, not a run.
import { writeFile } from 'node:fs/promises';
import { Observation } from '../../src/observe/observation.ts';
import { systemClock } from '../../src/system/clock.ts';
import { launchBrowser, openPage } from '../support/browser.ts';
import { compiledMain } from '../support/compiled.ts';
import { freePort } from '../support/free-port.ts';
import { history, lists, SETTINGS, snapshot } from './scene.ts';

const PICTURES = [
  { name: 'page-light', width: 1280, height: 1180, colorScheme: 'light' },
  { name: 'page-dark', width: 1280, height: 1180, colorScheme: 'dark' },
  { name: 'page-narrow', width: 360, height: 1180, colorScheme: 'light' },
] as const;

compiledMain();
const observation = new Observation({
  ...{ clock: systemClock, snapshot, history, list: async (name) => lists(name) },
  ...{ shownOptions: () => SETTINGS, redact: (text) => text, onEvent: () => undefined },
});
const port = await freePort();
await observation.start({ listen: { addresses: ['127.0.0.1'], port }, tokenFile: undefined, hosts: [] });
const browser = await launchBrowser();
for (const { name, width, height, colorScheme } of PICTURES) {
  const { page } = await openPage(browser, `http://127.0.0.1:${port}`, {
    viewport: { width, height },
    colorScheme,
  });
  await page.getByText(/halfpipe sent/).waitFor();
  await page.evaluate("document.querySelector('#host').textContent = 'gateway-3:9464'");
  const devtools = await page.context().newCDPSession(page);
  const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
  await writeFile(new URL(`${name}.webp`, import.meta.url), data, 'base64');
  await page.close();
}
await browser.close();
await observation.stop();
