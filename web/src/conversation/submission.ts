// Sending the content of the message box, whose files take a moment to read.
import type { FileUIPart } from "ai";

export interface Submission {
  text: string;
  hasFiles: boolean;
  onBegin: () => void;
  /** Reads the files; nothing if one cannot be read. */
  take: () => Promise<FileUIPart[] | undefined>;
  send: (text: string, files: FileUIPart[]) => Promise<void>;
}

/** Sends a submission once, however often it is submitted while its files are read. */
export function submitter(onReading: (isReading: boolean) => void): (submission: Submission) => Promise<void> {
  let isReading = false;
  const read = (is: boolean) => {
    isReading = is;
    onReading(is);
  };
  return async ({ text, hasFiles, onBegin, take, send }) => {
    if (isReading || (text === "" && !hasFiles)) return;
    // Afterwards another conversation may be open.
    onBegin();
    read(true);
    const files = await take().finally(() => read(false));
    if (files) await send(text, files);
  };
}
