// Edge: writes an archive below a folder.
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { assertNever, asTallshipError, hasCode, TallshipError } from "../errors.js";
import { pathBytes, shownPath, type TarEntry } from "../tar/entry.js";
import { TarReader } from "../tar/tar-reader.js";
import { type CopyEnd, copyPlace } from "./copy-place.js";
import type { OnLeftOut } from "./left-out.js";
import { type MappedIds, ownOutside } from "./mapped-ids.js";
import { nameIn, openIn, openRooted, partsOf } from "./walk.js";

/** How an archive is written. */
export interface UnpackOrder {
  readonly root: string;
  /** Below the root, one byte per character: where the copy goes, or with `isAsIs` the folder that the entries stand in. */
  readonly path: string;
  readonly isAsIs: boolean;
  /** Owners that are set, those of the archive, or who runs the program. */
  readonly owners: "archive" | "root" | "own";
  /** Ids of this host that those of the archive stand for, root's too; absent: themselves. */
  readonly ids?: MappedIds | undefined;
}

/**
 * Writes a tar archive that is pushed into it. The archive may be hostile, and so may be who changes the folder meanwhile: below the folder no
 * symbolic link is followed, nothing leads up, and what stands in the way is replaced, never written through. Device nodes and fifos, which are told of, and
 * attributes are left out. Throws invalid_argument, not_found, disk_failed.
 */
export class TreeUnpacker {
  private readonly order: UnpackOrder;
  private readonly onLeftOut: OnLeftOut;
  private readonly reader: TarReader;
  private top: { readonly fd: number; readonly from: string; readonly to: string } | undefined;
  private file: { readonly fd: number; readonly entry: TarEntry; isWritten: boolean } | undefined;

  constructor(order: UnpackOrder, onLeftOut: OnLeftOut = () => undefined) {
    this.order = order;
    this.onLeftOut = onLeftOut;
    this.reader = new TarReader({
      entry: (entry) => this.place(entry),
      content: (bytes) => this.write(bytes),
      end: () => this.endFile(),
    });
  }

  /** Takes the next bytes of the archive. */
  push(bytes: Buffer): void {
    this.trying(() => this.reader.push(bytes));
  }

  /** The archive has come whole; throws when it has not. */
  finish(): void {
    this.trying(() => this.reader.finish());
  }

  /** Lets go of everything, whether it went well or not. */
  close(): void {
    if (this.file !== undefined) closeSync(this.file.fd);
    if (this.top !== undefined) closeSync(this.top.fd);
    this.file = undefined;
    this.top = undefined;
  }

  private trying(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw asTallshipError(error, "disk_failed");
    }
  }

  private place(entry: TarEntry): void {
    const top = this.top ?? this.begin(entry);
    this.top = top;
    const parts = partsOf(renamed(entry.path, top));
    if (parts.includes("..")) throw refused(entry, "leads up");
    const name = parts.at(-1);
    if (name === undefined) return; // The folder itself.
    const folder = openFolder(top.fd, parts.slice(0, -1), entry);
    try {
      this.make(folder, name, entry);
    } finally {
      closeSync(folder);
    }
  }

  private begin(first: TarEntry): { fd: number; from: string; to: string } {
    const { root, path, isAsIs } = this.order;
    const rules = { beyond: "clamped", makesFolders: false, followsLast: true } as const;
    if (isAsIs) return { fd: openRooted(root, path, rules), from: "", to: "" };
    const { folder, name } = copyPlace(first, { path, found: foundAt(root, path) });
    return { fd: openRooted(root, folder, rules), from: first.path.replace(/\/+$/, ""), to: name };
  }

  private make(folder: number, name: string, entry: TarEntry): void {
    const at = nameIn(folder, name);
    switch (entry.type) {
      case "directory":
        this.makeFolder(folder, name, entry);
        return;
      case "file":
        this.file = { fd: openFresh(at, entry), entry, isWritten: false };
        return;
      case "symlink":
        clear(at, entry);
        symlinkSync(pathBytes(entry.linkPath), at);
        this.own((uid, gid) => lchownSync(at, uid, gid), entry);
        return;
      case "link":
        this.makeLink(at, entry);
        return;
      case "fifo":
        this.onLeftOut(entry.path, "a fifo");
        return;
      case "char":
      case "block":
        this.onLeftOut(entry.path, "a device");
        return;
      default:
        assertNever(entry.type);
    }
  }

  private makeFolder(folder: number, name: string, entry: TarEntry): void {
    const at = nameIn(folder, name);
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory()) throw refused(entry, "would replace what is no folder");
    if (found !== undefined) return;
    mkdirSync(at, 0o755);
    const fd = openIn(folder, name);
    try {
      if (!fstatSync(fd).isDirectory()) throw refused(entry, "was replaced meanwhile");
      const own = `/proc/self/fd/${fd}`;
      this.own((uid, gid) => lchownSync(at, uid, gid), entry);
      chmodSync(own, this.modeOf(entry));
    } finally {
      closeSync(fd);
    }
  }

  private makeLink(at: string | Buffer, entry: TarEntry): void {
    const top = this.top;
    if (top === undefined) throw refused(entry, "links to nothing");
    const parts = partsOf(renamed(entry.linkPath, top));
    const name = parts.at(-1);
    if (parts.includes("..") || name === undefined) throw refused(entry, "links to what is outside");
    const folder = openFolder(top.fd, parts.slice(0, -1), entry);
    try {
      clear(at, entry);
      linkSync(nameIn(folder, name), at);
    } finally {
      closeSync(folder);
    }
  }

  private write(bytes: Buffer): void {
    if (this.file === undefined) return;
    if (this.file.entry.sparse !== undefined) throw refused(this.file.entry, "has holes: pack it without --sparse");
    for (let at = 0; at < bytes.length; ) at += writeSync(this.file.fd, bytes, at);
  }

  private endFile(): void {
    if (this.file === undefined) return;
    const { fd, entry } = this.file;
    this.file = undefined;
    try {
      this.own((uid, gid) => fchownSync(fd, uid, gid), entry);
      fchmodSync(fd, this.modeOf(entry));
      futimesSync(fd, entry.mtimeS, entry.mtimeS);
    } finally {
      closeSync(fd);
    }
  }

  private own(set: (uid: number, gid: number) => void, { uid, gid }: TarEntry): void {
    const { owners, ids } = this.order;
    if (owners === "archive") set(ownOutside(uid, ids), ownOutside(gid, ids));
    else if (owners === "root") set(ownOutside(0, ids), ownOutside(0, ids));
  }

  /** Who unpacks for himself gets no programs with the rights of another. */
  private modeOf({ mode }: TarEntry): number {
    return this.order.owners === "own" ? mode & 0o777 : mode;
  }
}

/** What a path below a root is now. */
export function foundAt(root: string, path: string): CopyEnd["found"] {
  try {
    const fd = openRooted(root, path, { beyond: "clamped", makesFolders: false, followsLast: true });
    const stats = fstatSync(fd);
    closeSync(fd);
    return stats.isDirectory() ? "folder" : "file";
  } catch (error) {
    if (hasCode(error, "not_found")) return "nothing";
    throw error;
  }
}

function renamed(path: string, { from, to }: { readonly from: string; readonly to: string }): string {
  const isBelow = from !== "" && (path === from || path.startsWith(`${from}/`));
  return isBelow ? to + path.slice(from.length) : path;
}

/** The folder that parts lead to, made where it is missing; no link is followed. */
function openFolder(top: number, parts: readonly string[], entry: TarEntry): number {
  let fd = openSync(`/proc/self/fd/${top}`, constants.O_RDONLY | constants.O_DIRECTORY);
  for (const part of parts) {
    const next = openOrMake(fd, part);
    closeSync(fd);
    fd = next;
    if (fstatSync(fd).isDirectory()) continue;
    closeSync(fd);
    throw refused(entry, `stands below ${shownPath(part)}, which is no folder`);
  }
  return fd;
}

function openOrMake(fd: number, name: string): number {
  try {
    return openIn(fd, name);
  } catch {
    mkdirSync(nameIn(fd, name), 0o755);
    return openIn(fd, name);
  }
}

const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** A new file in place of what was there. One that is mounted cannot be replaced and is written over. */
function openFresh(at: string | Buffer, entry: TarEntry): number {
  try {
    clear(at, entry);
    return openSync(at, FRESH, 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EBUSY")) throw error;
    return openSync(at, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  }
}

function clear(at: string | Buffer, entry: TarEntry): void {
  const found = lstatSync(at, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) throw refused(entry, "would replace a folder");
  unlinkSync(at);
}

function refused(entry: TarEntry, why: string): TallshipError {
  return new TallshipError("invalid_argument", `${shownPath(entry.path)}: ${why}`);
}
