// A title that a model makes of the first question and answer comes after them, sometimes long after.

/** When to look, in milliseconds after the answer. The backend gives up before the last. */
const LOOK_AFTER_MS = [4000, 10_000, 22_000];

/** Calls `look` several times, until `title` changes. Returns a function that ends it. */
export function awaitTitle(title: () => string | undefined, look: () => void): () => void {
  let first = title();
  const timers = LOOK_AFTER_MS.map((after) =>
    setTimeout(() => {
      // A conversation that is not in the list yet has no title.
      first ??= title();
      if (title() === first) look();
    }, after),
  );
  return () => timers.forEach(clearTimeout);
}
