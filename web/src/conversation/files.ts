// Files that go along with a question, as data URLs.
import type { FileUIPart } from "ai";
import { bytes } from "../format";

/** A request may have 6 MB, and base64 makes four bytes of three. */
export const MAX_BYTES = 4 * 1024 * 1024;

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const DOCUMENTS = ["application/pdf", "text/plain", "text/markdown", "text/csv", "application/json"];

/** For `accept` of a file input. */
export const ACCEPT = [...PICTURES, ...DOCUMENTS, ".md"].join(",");

/** A file that was chosen and not sent yet. */
export interface Attachment {
  id: string;
  file: File;
}

type Described = Pick<File, "name" | "type" | "size">;

/** Sorts out which of `chosen` may join the files that are `there`, and says why the others may not. */
export function admit<F extends Described>(there: Described[], chosen: F[]): { taken: F[]; refusals: string[] } {
  const taken: F[] = [];
  const refusals: string[] = [];
  let used = there.reduce((sum, file) => sum + file.size, 0);
  for (const file of chosen) {
    const refusal = refusalOf(file, used);
    if (refusal) refusals.push(refusal);
    else {
      taken.push(file);
      used += file.size;
    }
  }
  return { taken, refusals };
}

function refusalOf(file: Described, used: number): string | undefined {
  if (!mediaTypeOf(file))
    return `“${file.name}” cannot be sent. Pictures (PNG, JPEG, GIF, WebP), PDF and plain text can.`;
  if (file.size === 0) return `“${file.name}” is empty.`;
  if (used + file.size <= MAX_BYTES) return undefined;
  const others = used > 0 ? `, the files before it ${bytes(used)}` : "";
  return `“${file.name}” has ${bytes(file.size)}${others}. All files of one message may have ${bytes(MAX_BYTES)} together.`;
}

/** Returns the media type of the file on the wire, or undefined if it may not be sent. Not every system knows Markdown. */
export function mediaTypeOf({ name, type }: Pick<File, "name" | "type">): string | undefined {
  if (type === "" && /\.(md|markdown)$/i.test(name)) return "text/markdown";
  const essence = type.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return PICTURES.includes(essence) || DOCUMENTS.includes(essence) ? essence : undefined;
}

/** Reads `file` into a part of a message. */
export async function toPart(file: File): Promise<FileUIPart> {
  const mediaType = mediaTypeOf(file) ?? "application/octet-stream";
  const url = await dataUrl(file);
  return {
    type: "file",
    mediaType,
    filename: file.name,
    url: `data:${mediaType};base64,${url.slice(url.indexOf(",") + 1)}`,
  };
}

/** The file that was read into `part`; nothing if it is not in there. */
export function toFile({ url, filename, mediaType }: FileUIPart): File | undefined {
  const base64 = /^data:[^,]*;base64,(.*)$/s.exec(url)?.[1];
  if (base64 === undefined) return undefined;
  const content = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  return new File([content], filename ?? "file", { type: mediaType });
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error(`“${file.name}” cannot be read.`));
    reader.readAsDataURL(file);
  });
}
