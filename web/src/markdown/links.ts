// Which addresses of an answer may be opened.
const SAFE = new Set(["http:", "https:", "mailto:"]);

/** Returns the address if it is complete and harmless: a model may be made to write anything. */
export function safeHref(href: string): string | undefined {
  try {
    const url = new URL(href);
    return SAFE.has(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
