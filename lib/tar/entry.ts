/** What an entry of a tar archive is. */
export type TarType = "file" | "link" | "symlink" | "char" | "block" | "directory" | "fifo";

/** A run of bytes that is not a hole. */
export interface SparseRegion {
  readonly offset: number;
  readonly length: number;
}

/** A file with holes: the archive holds only the regions, one after another, in rising order and without overlap. */
export interface SparseMap {
  readonly realSize: number;
  readonly regions: readonly SparseRegion[];
}

/**
 * One entry of a tar archive. `path` and `linkPath` hold one byte per character (latin1), because names in an archive are
 * bytes in no particular encoding; `pathBytes` makes them fit for the file system. Nothing in them is checked.
 */
export interface TarEntry {
  readonly path: string;
  readonly type: TarType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content in the archive. */
  readonly sizeBytes: number;
  /** Seconds since the epoch, with fraction. */
  readonly mtimeS: number;
  readonly linkPath: string;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Extended attributes by name. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly sparse: SparseMap | undefined;
}

/** An entry of the type given, owned by root, with nothing else set. */
export function tarEntry(path: string, type: TarType, rest: Partial<TarEntry> = {}): TarEntry {
  return {
    path,
    type,
    mode: type === "directory" ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    mtimeS: 0,
    linkPath: "",
    devMajor: 0,
    devMinor: 0,
    xattrs: NO_XATTRS,
    sparse: undefined,
    ...rest,
  };
}

/** No extended attributes; shared, since nearly every entry has none. */
export const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

/** A path of an entry as the file system takes it: the string itself when it is ASCII, else its bytes. */
export function pathBytes(path: string): string | Buffer {
  for (let at = 0; at < path.length; at += 1) {
    if (path.charCodeAt(at) > 0x7f) return Buffer.from(path, "latin1");
  }
  return path;
}

/** A path for people: its bytes read as UTF-8. */
export function shownPath(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8");
}

/** Text as an entry's path: its UTF-8 bytes, one per character. */
export function entryPath(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
