import type { FileUIPart } from "ai";
import { Icon } from "./Icon";

/** The files of a message: pictures as pictures, the rest to download. */
export function FileList({ files }: { files: Pick<FileUIPart, "url" | "mediaType" | "filename">[] }) {
  if (files.length === 0) return null;
  return (
    <ul className="files" aria-label="Files">
      {files.map((file, index) => (
        <li key={index}>
          {/^data:image\/(png|jpeg|gif|webp)[;,]/i.test(file.url) ? (
            <img src={file.url} alt={file.filename ?? "Picture"} />
          ) : (
            <FileLink {...file} />
          )}
        </li>
      ))}
    </ul>
  );
}

function FileLink({ url, mediaType, filename }: Pick<FileUIPart, "url" | "mediaType" | "filename">) {
  const name = filename ?? mediaType;
  const label = (
    <>
      <Icon name="file" /> {name}
    </>
  );
  if (url.startsWith("data:")) {
    return (
      <a className="chip" href={url} download={name}>
        {label}
      </a>
    );
  }
  if (!url.startsWith("https:")) return <span className="chip">{label}</span>;
  return (
    <a className="chip" href={url} target="_blank" rel="noopener noreferrer nofollow">
      {label}
    </a>
  );
}
