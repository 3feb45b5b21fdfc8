// An error that ends the process, as text: where it was thrown, and what caused it. Nothing else
// that hangs on it.

/** A cause of a cause of a cause: enough to find the root, and an end to cycles. */
const MAX_CAUSES = 5;

export function storyOf(error: unknown): string {
  const stories: string[] = [];
  let next = error;
  while (next instanceof Error && stories.length < MAX_CAUSES) {
    stories.push(next.stack ?? next.message);
    next = next.cause;
  }
  return stories.length === 0 ? String(error) : stories.join('\ncaused by: ');
}
