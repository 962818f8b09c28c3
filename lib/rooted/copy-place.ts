import { TallshipError } from "../errors.js";
import { shownPath, type TarEntry } from "../tar/entry.js";

/** What stands at the end of a copy. */
export interface CopyEnd {
  /** As asked for, one byte per character. */
  readonly path: string;
  readonly found: "file" | "folder" | "nothing";
}

/** Where the first entry of an archive goes: into this folder, under this name. The name "." stands for the folder itself. */
export interface CopyPlace {
  readonly folder: string;
  readonly name: string;
}

/**
 * As `docker cp` decides it: a folder takes what comes under its own name, or the contents of a folder that was named with "/." ; what is not there
 * becomes what comes; a file is replaced by a file only.
 */
export function copyPlace(first: Pick<TarEntry, "path" | "type">, { path, found }: CopyEnd): CopyPlace {
  const name = first.path.replace(/\/+$/, "");
  const isFolder = first.type === "directory";
  const refuse = (why: string): TallshipError =>
    new TallshipError("invalid_argument", `copy to ${shownPath(path)}: ${why}`);
  switch (found) {
    case "folder":
      return { folder: path, name };
    case "file":
      if (isFolder) throw refuse("it is a file, and a folder comes");
      return split(path);
    case "nothing":
      if (!isFolder && path.endsWith("/")) throw refuse("there is no such folder");
      return split(path);
  }
}

function split(path: string): CopyPlace {
  const bare = path.replace(/\/+\.?$/, "");
  const slash = bare.lastIndexOf("/");
  return { folder: slash === -1 ? "." : bare.slice(0, slash) || "/", name: bare.slice(slash + 1) };
}
