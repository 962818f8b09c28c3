// Edge: the file system below one folder.
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { assert } from "../../../lib/errors.js";
import { pathBytes, type SparseMap, type TarEntry } from "../../../lib/tar/entry.js";
import { type LayerStep, refused } from "./layer-entry.js";

/** What only another program can make: Node has no mknod and no setxattr. */
export type SpecialFile =
  | { readonly is: "whiteout"; readonly path: string }
  | { readonly is: "fifo"; readonly path: string; readonly entry: TarEntry }
  | { readonly is: "attributes"; readonly path: string; readonly xattrs: ReadonlyMap<string, Uint8Array> };

/** An overlayfs directory that hides what lies below it. */
export const OPAQUE_XATTR: ReadonlyMap<string, Uint8Array> = new Map([["trusted.overlay.opaque", Buffer.from("y")]]);

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

interface OpenFile {
  readonly fd: number;
  readonly entry: TarEntry;
  offset: number;
  regionIndex: number;
}

/**
 * Builds one layer below a folder that was empty and that nobody else writes. Nothing is ever followed: every parent of an
 * entry is known to be a real directory, either because this tree made it or by lstat, and forgotten when any directory goes.
 * A second entry of a path replaces the first by unlinking, never by writing through it. All calls are synchronous: one file
 * costs five system calls and no turn of the event loop. Throws image_refused, or the system's error.
 */
export class LayerTree {
  private readonly root: string;
  private directories = new Set([""]);
  private readonly directoryTimes = new Map<string, number>();
  private readonly whiteouts = new Set<string>();
  private readonly opaque = new Set<string>();
  private readonly specials = new Map<string, SpecialFile>();
  /** Hard links to special files, which become what they are only later. */
  private readonly specialLinks = new Map<string, string>();
  private open: OpenFile | undefined;

  /** The folder exists, is empty and is not a symbolic link. */
  constructor(root: string) {
    this.root = root;
  }

  /** Carries out a step. After placing a file its content follows by `write`, then `endFile`. */
  apply(step: LayerStep): void {
    if (step.do === "skip") return;
    if (step.do === "opaque") {
      this.requireDirectory(step.path);
      this.opaque.add(step.path);
      return;
    }
    this.requireDirectory(parentOf(step.path));
    if (step.do === "whiteout") this.whiteouts.add(step.path);
    else if (step.do === "link") this.placeLink(step.path, step.target);
    else this.place(step.path, step.entry);
  }

  /** Writes content of the file last placed; nothing is done when what was placed is no file. */
  write(bytes: Buffer): void {
    if (this.open === undefined) return;
    if (this.open.entry.sparse === undefined) this.open.offset += writeAll(this.open.fd, bytes, this.open.offset);
    else writeSparse(this.open, this.open.entry.sparse, bytes);
  }

  /** Completes the file last placed. */
  endFile(): void {
    if (this.open === undefined) return;
    const { fd, entry } = this.open;
    this.open = undefined;
    if (entry.sparse !== undefined) ftruncateSync(fd, entry.sparse.realSize);
    if (entry.uid !== 0 || entry.gid !== 0) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode); // After chown, which clears setuid; and open's mode went through the umask.
    futimesSync(fd, entry.mtimeS, entry.mtimeS);
    closeSync(fd);
  }

  /** What another program must make before `finish`, parents known to be real. */
  specialFiles(): readonly SpecialFile[] {
    for (const path of this.whiteouts) this.settleWhiteout(path);
    for (const path of this.opaque) {
      this.requireDirectory(path);
      this.specials.set(path, { is: "attributes", path, xattrs: this.withXattrs(path, OPAQUE_XATTR) });
    }
    for (const path of [...this.specials.keys(), ...this.specialLinks.keys()]) this.requireDirectory(parentOf(path));
    return [...this.specials.values()];
  }

  /** Links the names of special files, and sets the directories' times, which everything made below them has changed. */
  finish(): void {
    for (const [path, target] of this.specialLinks) {
      rmSync(this.at(path), { force: true });
      linkSync(this.at(target), this.at(path));
    }
    for (const [path, mtimeS] of this.directoryTimes) utimesSync(this.at(path), mtimeS, mtimeS);
  }

  /** Lets go of the open file after a failure. */
  abandon(): void {
    if (this.open !== undefined) closeSync(this.open.fd);
    this.open = undefined;
  }

  /** Paths of the directories that hide what lies below them, and of what is hidden. */
  hidden(): { readonly opaque: readonly string[]; readonly whiteouts: readonly string[] } {
    const whiteouts = [...this.specials.values()].filter(({ is }) => is === "whiteout");
    return { opaque: [...this.opaque].sort(), whiteouts: whiteouts.map(({ path }) => path).sort() };
  }

  /** Metadata of a path, undefined when nothing is there. Follows nothing. */
  stat(path: string): Stats | undefined {
    return lstatSync(this.at(path), { throwIfNoEntry: false });
  }

  /** Where a path is on disk. */
  at(path: string): string | Buffer {
    const bytes = pathBytes(path);
    return typeof bytes === "string" ? `${this.root}/${bytes}` : Buffer.concat([Buffer.from(`${this.root}/`), bytes]);
  }

  private place(path: string, entry: TarEntry): void {
    if (entry.type === "directory") this.placeDirectory(path, entry);
    else if (entry.type === "file") this.placeFile(path, entry);
    else if (entry.type === "symlink") this.placeSymlink(path, entry);
    else {
      assert(entry.type === "fifo", "layerStep places files, directories, symlinks and fifos");
      this.clear(path);
      this.specials.set(path, { is: "fifo", path, entry });
      return;
    }
    if (entry.xattrs.size > 0) this.specials.set(path, { is: "attributes", path, xattrs: entry.xattrs });
  }

  private placeFile(path: string, entry: TarEntry): void {
    const fd = this.making(path, (at) => openSync(at, CREATE, entry.mode & 0o777));
    this.open = { fd, entry, offset: 0, regionIndex: 0 };
  }

  private placeSymlink(path: string, entry: TarEntry): void {
    this.making(path, (at) => symlinkSync(pathBytes(entry.linkPath), at));
    const at = this.at(path);
    if (entry.uid !== 0 || entry.gid !== 0) lchownSync(at, entry.uid, entry.gid);
    lutimesSync(at, entry.mtimeS, entry.mtimeS);
  }

  private placeLink(path: string, target: string): void {
    this.requireDirectory(parentOf(target));
    const special = this.specialLinks.get(target) ?? target;
    if (this.specials.has(special)) {
      this.clear(path);
      this.specialLinks.set(path, special);
      return;
    }
    const found = this.stat(target);
    if (found === undefined) throw refused(path, `is a hard link to ${JSON.stringify(target)}, which is not there`);
    if (!found.isFile() && !found.isSymbolicLink()) throw refused(path, `is a hard link to what is no file`);
    const from = this.at(target);
    this.making(path, (at) => linkSync(from, at));
  }

  private placeDirectory(path: string, entry: TarEntry): void {
    if (path !== "" && !this.directories.has(path)) this.makeDirectory(path);
    const at = this.at(path);
    this.forgetSpecial(path);
    chownSync(at, entry.uid, entry.gid);
    chmodSync(at, entry.mode);
    this.directoryTimes.set(path, entry.mtimeS);
  }

  /** A directory that is there already keeps what it holds. */
  private makeDirectory(path: string): void {
    try {
      mkdirSync(this.at(path), 0o755);
    } catch (error) {
      if (!isExists(error)) throw error;
      if (!this.stat(path)?.isDirectory()) {
        this.clear(path);
        mkdirSync(this.at(path), 0o755);
      }
    }
    this.directories.add(path);
  }

  /** Makes something at a path; what was there before goes first. */
  private making<T>(path: string, make: (at: string | Buffer) => T): T {
    const at = this.at(path);
    if (this.specials.size > 0) this.forgetSpecial(path);
    try {
      return make(at);
    } catch (error) {
      if (!isExists(error)) throw error;
      this.clear(path);
      return make(at);
    }
  }

  private clear(path: string): void {
    const found = this.stat(path);
    this.forgetSpecial(path);
    if (found === undefined) return;
    if (!found.isDirectory()) {
      unlinkSync(this.at(path));
      return;
    }
    // What was known of anything below is void: later a symbolic link may stand there.
    rmSync(this.at(path), { recursive: true });
    this.directories = new Set([""]);
    for (const special of [...this.specials.keys()].filter((each) => each.startsWith(`${path}/`))) {
      this.forgetSpecial(special);
    }
    for (const known of [this.directoryTimes, this.opaque, this.whiteouts, this.specialLinks]) forgetBelow(known, path);
  }

  /** Something else takes the path of a special file. Had it further names, they would have to become it: nobody needs that. */
  private forgetSpecial(path: string): void {
    this.specialLinks.delete(path);
    if (!this.specials.delete(path)) return;
    const hasLinks = [...this.specialLinks.values()].includes(path);
    if (hasLinks) throw refused(path, "replaces a file with attributes or a fifo that has hard links");
  }

  /** Throws unless every component of the path is a real directory; makes what is missing. */
  private requireDirectory(path: string): void {
    if (this.directories.has(path)) return;
    this.requireDirectory(parentOf(path));
    const found = this.stat(path);
    if (found === undefined) mkdirSync(this.at(path), 0o755);
    else if (!found.isDirectory()) throw refused(path, "is used as a directory but is none");
    this.directories.add(path);
  }

  /** A path that is hidden and also made in this layer: its new content stays, what lay below it in lower layers does not. */
  private settleWhiteout(path: string): void {
    this.requireDirectory(parentOf(path));
    const found = this.stat(path);
    if (found?.isDirectory()) this.opaque.add(path);
    else if (found === undefined && !this.specials.has(path)) this.specials.set(path, { is: "whiteout", path });
  }

  private withXattrs(path: string, more: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
    const special = this.specials.get(path);
    return special?.is === "attributes" ? new Map([...special.xattrs, ...more]) : more;
  }
}

/** The folder of a path; that of a name alone is the root. */
function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === -1 ? "" : path.slice(0, slash);
}

function forgetBelow(known: { keys(): Iterable<string>; delete(path: string): unknown }, path: string): void {
  for (const key of [...known.keys()]) {
    if (key === path || key.startsWith(`${path}/`)) known.delete(key);
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): number {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  return written;
}

/** Writes stored bytes to the regions that they belong to. `offset` counts the stored bytes of the current region. */
function writeSparse(file: OpenFile, map: SparseMap, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    const region = map.regions[file.regionIndex];
    assert(region !== undefined, "a sparse map covers its content");
    const taken = Math.min(region.length - file.offset, bytes.length - at);
    writeAll(file.fd, bytes.subarray(at, at + taken), region.offset + file.offset);
    at += taken;
    file.offset += taken;
    if (file.offset < region.length) continue;
    file.regionIndex += 1;
    file.offset = 0;
  }
}

function isExists(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST";
}
