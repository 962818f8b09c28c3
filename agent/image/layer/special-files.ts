// Edge: runs GNU tar, and reads the files that it is to make again.
import { spawn } from "node:child_process";
import { copyFileSync, createReadStream, type Stats } from "node:fs";
import { pipeline } from "node:stream/promises";
import { TallshipError } from "../../../lib/errors.js";
import { type TarEntry, tarEntry } from "../../../lib/tar/entry.js";
import { tarEnd, tarHeader, tarPadding } from "../../../lib/tar/tar-writer.js";
import type { LayerTree, SpecialFile } from "./layer-tree.js";

/** Where special files are made. */
export interface SpecialFilesTarget {
  readonly root: string;
  readonly tree: LayerTree;
  /** A file outside the root that may be overwritten. */
  readonly scratchPath: string;
}

/**
 * Makes whiteouts, fifos and extended attributes below a root, through one GNU tar, since Node can make none of them. Of
 * the programs that can (setfattr, mknod, a native addon), tar is on every host and takes any number in one process. All
 * paths were checked: their parents are real directories. Files with attributes are written once more with their content.
 */
export async function makeSpecialFiles(target: SpecialFilesTarget, specials: readonly SpecialFile[]): Promise<void> {
  if (specials.length === 0) return;
  const child = spawn("tar", [...TAR_FLAGS, `--directory=${target.root}`], { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString("utf8")).slice(-500);
  });
  const ended = new Promise<string>((resolve) => {
    child.on("error", ({ message }) => resolve(message));
    child.on("close", (status) => resolve(status === 0 ? "" : `tar ended with status ${status}: ${said.trim()}`));
  });
  const failure: unknown = await pipeline(archive(target, specials), child.stdin).catch((error: unknown) => error);
  const why = await ended;
  // A tar that died early breaks the pipe; what it said is the reason then.
  if (failure !== undefined && !isBrokenPipe(failure)) throw failure;
  if (why !== "") throw new TallshipError("disk_failed", `unpack: ${why}`);
}

function isBrokenPipe(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EPIPE" || code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

const TAR_FLAGS = [
  "--extract",
  "--file=-",
  "--numeric-owner",
  "--same-owner",
  "--same-permissions",
  "--overwrite",
  "--xattrs",
  "--xattrs-include=*",
];

async function* archive(target: SpecialFilesTarget, specials: readonly SpecialFile[]): AsyncGenerator<Uint8Array> {
  for (const special of specials) yield* archived(target, special);
  yield tarEnd();
}

async function* archived(target: SpecialFilesTarget, special: SpecialFile): AsyncGenerator<Uint8Array> {
  const name = special.path === "" ? "." : special.path;
  if (special.is === "whiteout") {
    yield tarHeader(tarEntry(name, "char", { mode: 0 }));
    return;
  }
  if (special.is === "fifo") {
    yield tarHeader({ ...special.entry, path: name });
    return;
  }
  const found = target.tree.stat(special.path);
  if (found === undefined) return;
  const entry = existing(name, found, special.xattrs);
  if (entry === undefined) return;
  if (entry.type === "file") copyFileSync(target.tree.at(special.path), target.scratchPath); // tar truncates what it overwrites.
  yield tarHeader(entry);
  if (entry.type !== "file") return;
  yield* createReadStream(target.scratchPath);
  yield tarPadding(entry.sizeBytes);
}

/** An entry that makes what is there again, with attributes. Symbolic links have none that are kept. */
function existing(path: string, found: Stats, xattrs: ReadonlyMap<string, Uint8Array>): TarEntry | undefined {
  const owned = { mode: found.mode & 0o7777, uid: found.uid, gid: found.gid, mtimeS: found.mtimeMs / 1_000, xattrs };
  if (found.isDirectory()) return tarEntry(path, "directory", owned);
  if (found.isFile()) return tarEntry(path, "file", { ...owned, sizeBytes: found.size });
  return undefined;
}
