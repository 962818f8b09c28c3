// Edge: compares what two folders hold.
import { type BigIntStats, closeSync, fstatSync, readdirSync } from "node:fs";
import { asTallshipError } from "../errors.js";
import { type MappedIds, ownInside } from "./mapped-ids.js";
import { nameIn, openIn, openRooted } from "./walk.js";

/** A place that differs. Its path is below the root, one byte per character. */
export interface TreeChange {
  readonly path: string;
  readonly is: "added" | "changed" | "deleted";
}

/** What is compared. */
export interface CompareOrder {
  readonly root: string;
  /** What the root was before. */
  readonly base: string;
  /** Holds, by the same paths, everything of the root that may differ: all else is not looked at. Absent: everything may. */
  readonly written?: string | undefined;
  /** Ids of this host that stand for others in the root. */
  readonly ids?: MappedIds | undefined;
  /** Paths that say nothing, with all below them. */
  readonly leavesOut: (path: string) => boolean;
}

/**
 * How a root differs from what it was, in order of path, each folder before what it holds. A folder has changed when something in it has. Every place is reached by the handle of its folder, so nothing
 * outside is looked at, whatever is renamed meanwhile. Undefined comes between folders: the caller may let others have their turn.
 */
export function* treeChanges(order: CompareOrder): Generator<TreeChange | undefined> {
  const handles = [order.root, order.base, order.written].map((path) => (path === undefined ? undefined : open(path)));
  const [now, before, written] = handles;
  try {
    if (now !== undefined) yield* folderChanges(order, { path: "", now, before, written });
  } catch (error) {
    throw asTallshipError(error, "disk_failed");
  } finally {
    for (const fd of handles) if (fd !== undefined) closeSync(fd);
  }
}

function open(path: string): number {
  return openRooted(path, "", { beyond: "clamped", makesFolders: false, followsLast: false });
}

/** Handles of one folder: as it is, as it was, and what was written of it. */
interface Folder {
  readonly path: string;
  readonly now: number;
  readonly before: number | undefined;
  readonly written: number | undefined;
}

function* folderChanges(order: CompareOrder, folder: Folder): Generator<TreeChange | undefined> {
  yield undefined;
  const [now, before] = [namesIn(folder.now), namesIn(folder.before)];
  const written = folder.written === undefined ? undefined : namesIn(folder.written);
  for (const name of [...new Set([...now, ...before])].sort()) {
    const path = folder.path === "" ? name : `${folder.path}/${name}`;
    const isSame = written !== undefined && now.has(name) && before.has(name) && !written.has(name);
    if (isSame || order.leavesOut(path)) continue;
    if (now.has(name)) yield* placeChanges(order, folder, { name, path });
    else yield { path, is: "deleted" };
  }
}

function* placeChanges(
  order: CompareOrder,
  folder: Folder,
  { name, path }: { readonly name: string; readonly path: string },
): Generator<TreeChange | undefined> {
  const [now, before, written] = [folder.now, folder.before, folder.written].map((fd) => openIfThere(fd, name));
  try {
    // It went meanwhile.
    if (now === undefined) return;
    const stats = fstatSync(now, { bigint: true });
    const was = before === undefined ? undefined : fstatSync(before, { bigint: true });
    const isFolder = stats.isDirectory();
    const below =
      was?.isDirectory() === true
        ? { path, now, before, written }
        : { path, now, before: undefined, written: undefined };
    if (was === undefined) yield { path, is: "added" };
    else if (!isFolder || !was.isDirectory()) {
      if (differs(stats, was, order.ids)) yield { path, is: "changed" };
    } else if (isOtherwise(stats, was, order.ids)) yield { path, is: "changed" };
    else return yield* onceChanged(path, folderChanges(order, below));
    if (isFolder) yield* folderChanges(order, below);
  } finally {
    for (const fd of [now, before, written]) if (fd !== undefined) closeSync(fd);
  }
}

/** The folder, before the first change in it. */
function* onceChanged(path: string, within: Generator<TreeChange | undefined>): Generator<TreeChange | undefined> {
  let isTold = false;
  for (const change of within) {
    if (change !== undefined && !isTold) {
      isTold = true;
      yield { path, is: "changed" };
    }
    yield change;
  }
}

/** Whether a file is another one: whatever is written to it or said of it changes its ctime, and a copy that something is written to has one of its own. */
function differs(now: BigIntStats, was: BigIntStats, ids: MappedIds | undefined): boolean {
  return isOtherwise(now, was, ids) || now.size !== was.size || now.ctimeNs !== was.ctimeNs;
}

function isOtherwise(now: BigIntStats, was: BigIntStats, ids: MappedIds | undefined): boolean {
  const owns = (own: bigint, before: bigint): boolean => ownInside(Number(own), ids) === Number(before);
  return now.mode !== was.mode || !owns(now.uid, was.uid) || !owns(now.gid, was.gid);
}

function namesIn(fd: number | undefined): ReadonlySet<string> {
  return new Set(fd === undefined ? [] : readdirSync(nameIn(fd, ""), { encoding: "latin1" }));
}

function openIfThere(fd: number | undefined, name: string): number | undefined {
  try {
    return fd === undefined ? undefined : openIn(fd, name);
  } catch {
    return undefined;
  }
}
