// The announcements of a growing answer for screen readers: complete sentences, several at a time, never single words.

/** Where the next announcement of `text` ends, `from` having been announced; `from` itself if no sentence is complete yet. */
export function announcedUntil(text: string, from: number): number {
  const rest = text.slice(from);
  const ends = [...rest.matchAll(/[.!?:…。！？]["”’)\]]*\s|\n/g)];
  const last = ends.at(-1);
  return last ? from + last.index + last[0].length : from;
}

/** Markdown's marks are noise to the ear. Code is named, not read out. */
export function spoken(markdown: string): string {
  return markdown
    .replace(/```[\s\S]*?(?:```|$)/g, " (code) ")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^\s*(?:#{1,6}|>|[-*+])\s+/gm, "")
    .replace(/[*_`~|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}
