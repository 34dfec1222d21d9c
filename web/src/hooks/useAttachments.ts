// The files of the next question.
import { generateId, type FileUIPart } from "ai";
import { useCallback, useState } from "react";
import { type Attachment, admit, toFile, toPart } from "../conversation/files";

export interface Attachments {
  list: Attachment[];
  /** Why some files were not taken, in sentences. */
  refusals: string[];
  add: (files: Iterable<File>) => void;
  remove: (id: string) => void;
  /** Reads all of them and empties the list; nothing if one cannot be read. */
  take: () => Promise<FileUIPart[] | undefined>;
  /** Puts back what was taken and not sent. */
  putBack: (parts: FileUIPart[]) => void;
}

export function useAttachments(): Attachments {
  const [list, setList] = useState<Attachment[]>([]);
  const [refusals, setRefusals] = useState<string[]>([]);

  const add = useCallback(
    (files: Iterable<File>) => {
      const { taken, refusals } = admit(
        list.map(({ file }) => file),
        [...files],
      );
      setList([...list, ...taken.map((file) => ({ id: generateId(), file }))]);
      setRefusals(refusals);
    },
    [list],
  );
  const remove = useCallback((id: string) => {
    setList((current) => current.filter((attachment) => attachment.id !== id));
    setRefusals([]);
  }, []);
  const take = async () => {
    try {
      const parts = await Promise.all(list.map(({ file }) => toPart(file)));
      setList([]);
      setRefusals([]);
      return parts;
    } catch (error) {
      setRefusals([error instanceof Error ? error.message : String(error)]);
      return undefined;
    }
  };
  const putBack = useCallback((parts: FileUIPart[]) => {
    const files = parts.map(toFile).filter((file) => file !== undefined);
    setList((current) => [...files.map((file) => ({ id: generateId(), file })), ...current]);
  }, []);
  return { list, refusals, add, remove, take, putBack };
}
