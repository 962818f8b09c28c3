// Edge: reads a file or folder as an archive.
import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats } from "node:fs";
import { asTallshipError } from "../errors.js";
import { tarEntry } from "../tar/entry.js";
import { tarEnd, tarHeader, tarPadding } from "../tar/tar-writer.js";
import type { OnLeftOut } from "./left-out.js";
import { type MappedIds, ownInside } from "./mapped-ids.js";
import { nameIn, openIn, openRooted, partsOf } from "./walk.js";

/** What is packed. */
export interface PackOrder {
  readonly root: string;
  /** Below the root, one byte per character. What a folder holds is packed without the folder's name when it ends with "/.". */
  readonly path: string;
  /** Whether a symbolic link at the end of the path is followed. */
  readonly followsLink: boolean;
  /** What of a folder is packed; all of it when absent. */
  readonly choose?: Choose;
  /** Ids of this host that stand for others in the archive; absent: all stand for themselves. */
  readonly ids?: MappedIds | undefined;
  /** What the folder holds is packed by its own names, without the folder and without "./". */
  readonly isBare?: boolean;
  /** Told of sockets, fifos and device nodes. */
  readonly onLeftOut?: OnLeftOut;
}

/** Whether a path below a packed folder, one byte per character, goes into the archive; of a folder that does not, `within` still looks for what does. */
export type Choose = (path: string) => "keep" | "within" | "drop";

const PIECE_BYTES = 65_536;

/**
 * The tar archive of a file, or of a folder with all that it holds, under the last name of its path. Links inside are packed as links, so nothing
 * outside is read, whatever is renamed meanwhile. Sockets, fifos and device nodes are left out; a file that shrinks while it is read ends in zeros.
 */
export function* packTree({
  root,
  path,
  followsLink,
  choose = () => "keep",
  ids,
  isBare = false,
  onLeftOut = () => undefined,
}: PackOrder): Generator<Buffer> {
  const rules = { beyond: "clamped", makesFolders: false } as const;
  const fd = openRooted(root, path, { ...rules, followsLast: followsLink || /\/\.?$/.test(path) });
  try {
    const last = partsOf(path).at(-1) ?? ".";
    const readLink = (): string => {
      const folder = openRooted(root, path.replace(/[^/]*$/, ""), { ...rules, followsLast: true });
      try {
        return readlinkSync(nameIn(folder, last), { encoding: "latin1" });
      } finally {
        closeSync(folder);
      }
    };
    yield* packPlace(fd, {
      name: isBare ? "" : last === ".." || /(^|\/)\.$/.test(path) ? "." : last,
      below: "",
      ...{ choose, ids, onLeftOut, readLink },
    });
    yield tarEnd();
  } catch (error) {
    throw asTallshipError(error, "disk_failed");
  } finally {
    closeSync(fd);
  }
}

interface Place {
  /** In the archive; empty for a folder that is not in it. */
  readonly name: string;
  /** Below what is packed; empty for that itself. */
  readonly below: string;
  readonly choose: Choose;
  readonly ids: MappedIds | undefined;
  readonly onLeftOut: OnLeftOut;
  readonly readLink: () => string;
}

/** What a handle is on, whatever its name is by now. Only where a link leads can be read by name alone. */
function* packPlace(fd: number, place: Place): Generator<Buffer> {
  const choice = place.below === "" ? "keep" : place.choose(place.below);
  if (choice === "drop") return;
  const stats = fstatSync(fd);
  const { name, ids, readLink } = place;
  if (name === "") yield* packChildren(fd, place);
  else if (stats.isDirectory()) yield* packFolder(fd, place, choice === "keep" ? stats : undefined);
  else if (choice === "within") return;
  else if (stats.isSymbolicLink())
    yield tarHeader(tarEntry(name, "symlink", { ...ownersOf(stats, ids), linkPath: readLink() }));
  else if (stats.isFile()) yield* packFile(fd, place, stats);
  else place.onLeftOut(name, stats.isSocket() ? "a socket" : stats.isFIFO() ? "a fifo" : "a device");
}

/** Without stats only what is chosen within, with the folder before the first of it. */
function* packFolder(fd: number, place: Place, stats: Stats | undefined): Generator<Buffer> {
  const header = (of: Stats): Buffer => tarHeader(tarEntry(`${place.name}/`, "directory", ownersOf(of, place.ids)));
  let isNamed = stats !== undefined;
  if (stats !== undefined) yield header(stats);
  for (const bytes of packChildren(fd, place)) {
    if (!isNamed) yield header(fstatSync(fd));
    isNamed = true;
    yield bytes;
  }
}

function* packChildren(fd: number, { name, below, choose, ids, onLeftOut }: Place): Generator<Buffer> {
  for (const child of readdirSync(nameIn(fd, ""), { encoding: "latin1" }).sort()) {
    const opened = openIfThere(fd, child);
    if (opened === undefined) continue;
    const place = {
      name: name === "" ? child : `${name}/${child}`,
      below: below === "" ? child : `${below}/${child}`,
      ...{ choose, ids, onLeftOut },
    };
    const readLink = (): string => readlinkSync(nameIn(fd, child), { encoding: "latin1" });
    try {
      yield* packPlace(opened, { ...place, readLink });
    } finally {
      closeSync(opened);
    }
  }
}

/** Undefined when it went meanwhile. */
function openIfThere(fd: number, name: string): number | undefined {
  try {
    return openIn(fd, name);
  } catch {
    return undefined;
  }
}

function* packFile(handle: number, { name, ids }: Place, stats: Stats): Generator<Buffer> {
  // Opened by its handle: a name could have become something else.
  const fd = openSync(`/proc/self/fd/${handle}`, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    yield tarHeader(tarEntry(name, "file", { ...ownersOf(stats, ids), sizeBytes: stats.size }));
    for (let left = stats.size; left > 0; ) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, left));
      const count = readSync(fd, piece, 0, piece.length, null);
      const bytes = count === 0 ? piece : piece.subarray(0, count);
      left -= bytes.length;
      yield bytes;
    }
    yield tarPadding(stats.size);
  } finally {
    closeSync(fd);
  }
}

function ownersOf(
  { mode, uid, gid, mtimeMs }: Stats,
  ids: MappedIds | undefined,
): {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeS: number;
} {
  return {
    mode: mode & 0o7777,
    uid: ownInside(uid, ids),
    gid: ownInside(gid, ids),
    mtimeS: Math.floor(mtimeMs / 1000),
  };
}
