import { assertNever, TallshipError } from "../../../lib/errors.js";
import { shownPath, type TarEntry } from "../../../lib/tar/entry.js";

/** What to do about one entry of a layer. Paths are relative to the layer's root, normalised, and the root is "". */
export type LayerStep =
  | { readonly do: "place"; readonly path: string; readonly entry: TarEntry }
  | { readonly do: "link"; readonly path: string; readonly target: string }
  | { readonly do: "whiteout"; readonly path: string }
  | { readonly do: "opaque"; readonly path: string }
  | { readonly do: "skip" };

/** What the operator lets images contain. */
export interface LayerPolicy {
  /** Device nodes make an image hostile, or are left out. Containers get their devices from the runtime either way. */
  readonly deviceNodes: "refuse" | "skip";
}

/** Folders that runtimes mount over: were one a symbolic link, they would follow it out to the host (CVE-2026-41579). */
const MOUNT_POINTS: ReadonlySet<string> = new Set(["dev", "proc", "sys", "etc"]);

const WHITEOUT = ".wh.";
const WHITEOUT_META = ".wh..wh.";
const OPAQUE = ".wh..wh..opq";
const PATH_BYTES_MAX = 4_095;
const NAME_BYTES_MAX = 255;
/** 2^32 − 1 means "leave the owner alone" to the kernel. */
const OWNER_MAX = 4_294_967_294;

/**
 * Decides what an entry of a layer does, by its words alone; where it leads on disk is LayerTree's to check.
 * Throws image_refused for what no honest image holds.
 */
export function layerStep(entry: TarEntry, policy: LayerPolicy): LayerStep {
  const path = normalisedPath(entry.path);
  const slash = path.lastIndexOf("/");
  const folder = slash === -1 ? "" : path.slice(0, slash);
  const name = path.slice(slash + 1);
  if (folder.startsWith(WHITEOUT) || folder.includes(`/${WHITEOUT}`)) throw refused(path, "lies below a whiteout");
  if (name.startsWith(WHITEOUT)) return whiteoutStep(entry, folder, name);
  if (path === "" && entry.type !== "directory") throw refused("/", "replaces the root");
  if (MOUNT_POINTS.has(path) && entry.type !== "directory") throw refused(path, `is a ${entry.type}, not a directory`);
  if (!isOwner(entry.uid) || !isOwner(entry.gid)) throw refused(path, `is owned by ${entry.uid}:${entry.gid}`);
  return placeStep({ ...entry, xattrs: keptXattrs(path, entry.xattrs) }, path, policy);
}

function placeStep(entry: TarEntry, path: string, policy: LayerPolicy): LayerStep {
  switch (entry.type) {
    case "file":
    case "directory":
    case "fifo":
      return { do: "place", path, entry };
    case "symlink":
      if (entry.linkPath === "" || entry.linkPath.length > PATH_BYTES_MAX || entry.linkPath.includes("\0")) {
        throw refused(path, "is a symbolic link to a malformed path");
      }
      return { do: "place", path, entry };
    case "link":
      return { do: "link", path, target: linkTarget(path, entry.linkPath) };
    case "char":
    case "block":
      if (policy.deviceNodes === "skip") return { do: "skip" };
      throw refused(path, `is a ${entry.type} device ${entry.devMajor}:${entry.devMinor}`);
    default:
      return assertNever(entry.type);
  }
}

function whiteoutStep(entry: TarEntry, folder: string, name: string): LayerStep {
  const path = folder === "" ? name : `${folder}/${name}`;
  if (name === OPAQUE) return { do: "opaque", path: folder };
  if (name.startsWith(WHITEOUT_META)) return { do: "skip" }; // aufs wrote its own state so; it means nothing to others.
  const hidden = name.slice(WHITEOUT.length);
  if (hidden === "" || hidden === "." || hidden === "..") throw refused(path, "is a malformed whiteout");
  if (entry.type !== "file") throw refused(path, `is a whiteout of type ${entry.type}`);
  return { do: "whiteout", path: folder === "" ? hidden : `${folder}/${hidden}` };
}

function linkTarget(path: string, linkPath: string): string {
  const target = normalisedPath(linkPath);
  if (target === "") throw refused(path, "is a hard link to the root");
  if (target.startsWith(WHITEOUT) || target.includes(`/${WHITEOUT}`))
    throw refused(path, "is a hard link to a whiteout");
  if (target === path) throw refused(path, "is a hard link to itself");
  return target;
}

/**
 * The path relative to the root, without "." and doubled slashes. A leading slash is taken for the layer's root, as tar
 * does; ".." is refused even where it would stay inside, because no tool writes it.
 */
export function normalisedPath(path: string): string {
  if (path.length > PATH_BYTES_MAX) throw refused(path.slice(0, 80), `is a path of ${path.length} bytes`);
  if (path.includes("\0")) throw refused(path, "has a zero byte in its path");
  if (isNormal(path)) return path;
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) throw refused(path, "leads out by ..");
  const long = names.find((name) => name.length > NAME_BYTES_MAX);
  if (long !== undefined) throw refused(path, `has a name of ${long.length} bytes`);
  return names.join("/");
}

/** True for most paths, and cheap: short, and nothing that needs taking out. */
function isNormal(path: string): boolean {
  return path.length <= NAME_BYTES_MAX && path !== "" && !UNUSUAL.test(path);
}

/** An empty name, ".", or "..", anywhere. */
const UNUSUAL = /(^|\/)(\.{0,2})(\/|$)/;

/** Attributes that are kept. Overlayfs' own would redirect lookups anywhere; labels of the builder's kernel mean nothing here. */
function keptXattrs(path: string, xattrs: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  if (xattrs.size === 0) return xattrs;
  const names = [...xattrs.keys()];
  const hostile = names.find((name) => name.startsWith("trusted.") || name.startsWith("user.overlay."));
  if (hostile !== undefined) throw refused(path, `has the extended attribute ${shownPath(hostile).slice(0, 80)}`);
  return new Map([...xattrs].filter(([name]) => name === "security.capability" || name.startsWith("user.")));
}

function isOwner(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= OWNER_MAX;
}

/** The refusal of an entry. */
export function refused(path: string, why: string): TallshipError {
  return new TallshipError("image_refused", `layer entry ${JSON.stringify(shownPath(path))} ${why}`);
}
