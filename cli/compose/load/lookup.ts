import { isAbsolute, join, normalize } from "node:path";

/** A file of the user's, or all files of a folder, as far as the project may carry them. */
export type Looked =
  | { readonly is: "nothing" }
  | { readonly is: "file"; readonly bytes: Uint8Array; readonly isExecutable: boolean }
  | { readonly is: "folder"; readonly files: readonly FolderFile[] }
  | { readonly is: "too_large"; readonly bytes: number };

/** One file below a folder; the path has slashes and no dots. */
export interface FolderFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isExecutable: boolean;
}

/** What the edge has read so far, by path. */
export type KnownFiles = ReadonlyMap<string, Looked>;

/**
 * The user's files as a pure translation sees them. A path that is not known yet counts as nothing and is remembered: the edge reads it, and
 * the translation is made again.
 */
export class FileLookup {
  readonly wanted = new Set<string>();
  private readonly known: KnownFiles;
  private readonly home: string;

  constructor(known: KnownFiles, home: string) {
    this.known = known;
    this.home = home;
  }

  find(path: string): Looked {
    const found = this.known.get(path);
    if (found === undefined) this.wanted.add(path);
    return found ?? { is: "nothing" };
  }

  /** Text of a file; undefined when it is no file. */
  text(path: string): string | undefined {
    const found = this.find(path);
    return found.is === "file" ? Buffer.from(found.bytes).toString("utf8") : undefined;
  }

  /** A path of a file, as seen from a folder. */
  resolve(folder: string, path: string): string {
    if (path === "~" || path.startsWith("~/")) return join(this.home, path.slice(1));
    return isAbsolute(path) ? normalize(path) : join(folder, path);
  }
}
