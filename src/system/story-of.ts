// Renders an error that ends the process: where it was thrown and what caused it. No other field of
// the error is shown.

/** How many causes are followed: enough to find the root, and a limit for cycles. */
const CAUSES_MAX = 5;

export function storyOf(error: unknown): string {
  const stories: string[] = [];
  let next = error;
  while (next instanceof Error && stories.length < CAUSES_MAX) {
    stories.push(next.stack ?? next.message);
    next = next.cause;
  }
  return stories.length === 0 ? String(error) : stories.join('\ncaused by: ');
}
