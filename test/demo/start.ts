// The newcomer's first look: `npm start`. Arguments, signals and the exit code; the demo itself is in demo.ts.
import { fileURLToPath } from 'node:url';
import { Demo } from './demo.ts';
import { type DemoOptions, parseDemoOptions, USAGE } from './options.ts';

/** npm passes a Ctrl-C on that the terminal has delivered already: so soon, a second signal is the same one. */
const SAME_SIGNAL_MS = 1_000;

/** Resolves with the exit code once everything that was started has stopped. */
async function main(options: DemoOptions): Promise<number> {
  const stop = new AbortController();
  const demo = new Demo(fileURLToPath(new URL('../../', import.meta.url)), options, stop.signal);
  let firstMs: number | undefined;
  const onSignal = () => {
    if (firstMs !== undefined && performance.now() - firstMs > SAME_SIGNAL_MS) demo.hurry();
    firstMs ??= performance.now();
    stop.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  // Nobody reads on, as in `npm start | head`: there is nobody to show anything to.
  process.stdout.on('error', onSignal);
  try {
    return await demo.run();
  } catch (error) {
    if (stop.signal.aborted) return 0;
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

function parse(): DemoOptions | undefined {
  try {
    return parseDemoOptions(process.argv.slice(2));
  } catch (error) {
    // The error last, where it is seen.
    console.error(`${USAGE}\n\n${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

const options = parse();
if (options === undefined) process.exitCode = 2;
else if (options.help) console.log(USAGE);
else process.exitCode = await main(options);
