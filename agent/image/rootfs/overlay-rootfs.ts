// Edge: folders of overlay root file systems.
import { chownSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { readdir, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { removeFolder } from "../../remove-folder.js";
import { onDisk } from "../disk-errors.js";
import type { ComparableRoot, LocalImage, RootFs, RootFsDriver } from "../images.js";

/**
 * Root file systems by overlayfs. Below FOLDER/CONTAINER stand `upper` (what the container writes), `work` (overlayfs'
 * own), `merged` (where it is mounted) and `l/0`, `l/1`, …: symbolic links to the image's layers, topmost first. The
 * mount names the layers by these links: five bytes each, where their paths would fill the page that mount options get
 * after forty layers. The links also say which layers are in use, with no file that could disagree.
 */
export class OverlayRootFs implements RootFsDriver {
  readonly name = "overlayfs";
  private readonly folder: string;

  /** The folder is made when it is missing. It must not be on overlayfs itself. */
  constructor(folder: string) {
    this.folder = folder;
  }

  prepare(containerId: string, image: LocalImage, owner = 0): Promise<RootFs> {
    return onDisk(`prepare the root of ${containerId}`, async () => this.makeFolders(containerId, image, owner));
  }

  async find(containerId: string): Promise<RootFs | undefined> {
    const cwd = join(this.folder, containerId);
    const links = await readdir(join(cwd, "l")).catch(emptyWhenMissing);
    return links.length === 0 ? undefined : rootIn(cwd, links.length);
  }

  /** What was written is one more layer here: a second mount that could write would disturb the container's own. */
  async compare(containerId: string): Promise<ComparableRoot | undefined> {
    const cwd = join(this.folder, containerId);
    const links = await readdir(join(cwd, "l")).catch(emptyWhenMissing);
    if (links.length === 0) return undefined;
    const lower = links.map((_, at) => `l/${at}`);
    const [only = ""] = lower;
    // Overlayfs wants two layers at least; one alone is what it looks like.
    const before =
      lower.length === 1 ? { path: await realpath(join(cwd, only)), mount: undefined } : readOnly(cwd, lower);
    return { now: readOnly(cwd, ["upper", ...lower]), before, written: join(cwd, "upper") };
  }

  remove(containerId: string): Promise<void> {
    return onDisk(`remove the root of ${containerId}`, () => this.removeFolders(containerId));
  }

  async list(): Promise<readonly string[]> {
    const names = await readdir(this.folder).catch(emptyWhenMissing);
    // One whose removal was cut short is still there for the caller, who removes it again.
    return [...new Set(names.map((name) => (name.startsWith(DOOMED) ? name.slice(DOOMED.length) : name)))].sort();
  }

  async layersInUse(): Promise<readonly string[]> {
    const names = await readdir(this.folder).catch(emptyWhenMissing);
    const ofEach = names.map(async (name) => {
      const links = join(this.folder, name, "l");
      const numbers = await readdir(links).catch(emptyWhenMissing);
      return Promise.all(numbers.map((number) => readlink(join(links, number))));
    });
    return [...new Set((await Promise.all(ofEach)).flat())].sort();
  }

  async prune(): Promise<void> {
    // Nothing is kept beside the containers' own folders.
  }

  /** At once: a folder costs some 50 µs, and handing each to another thread and coming back costs more than that in processor time alone. */
  private makeFolders(containerId: string, image: LocalImage, owner: number): RootFs {
    const cwd = join(this.folder, containerId);
    mkdirSync(join(cwd, "l"), { recursive: true, mode: 0o700 });
    for (const name of ["upper", "work", "merged"]) mkdirSync(join(cwd, name), { recursive: true, mode: 0o755 });
    // What is seen of the topmost folder is this one's, and not the image's.
    if (owner !== 0) chownSync(join(cwd, "upper"), owner, owner);
    // An image without layers still needs something below: an empty folder.
    const layers = image.layerPaths.length > 0 ? image.layerPaths : [join(cwd, "empty")];
    if (image.layerPaths.length === 0) mkdirSync(join(cwd, "empty"), { recursive: true });
    for (const [at, path] of layers.entries()) linkTo(path, join(cwd, "l", String(at)));
    return rootIn(cwd, layers.length);
  }

  private async removeFolders(containerId: string): Promise<void> {
    const path = join(this.folder, containerId);
    const doomed = join(this.folder, `${DOOMED}${containerId}`);
    await removeFolder(doomed);
    if (isRenamed(path, doomed)) await removeFolder(doomed);
  }
}

/** The root in a container's folder, on so many layers. */
function rootIn(cwd: string, layerCount: number): RootFs {
  const lower = Array.from({ length: layerCount }, (_, at) => `l/${at}`).join(":");
  const options = `lowerdir=${lower},upperdir=upper,workdir=work`;
  return { path: join(cwd, "merged"), mount: { type: "overlay", source: "overlay", options, cwd } };
}

/** Layers as they are stacked, topmost first, below a container's folder. */
function readOnly(cwd: string, layers: readonly string[]): RootFs {
  const options = `ro,lowerdir=${layers.join(":")}`;
  return { path: join(cwd, "merged"), mount: { type: "overlay", source: "overlay", options, cwd } };
}

/** A folder that is being deleted; ids of containers do not begin so. */
const DOOMED = ".doomed-";

/** Makes a link, replacing one that leads elsewhere: a container's image never changes, but its layers may have moved. */
function linkTo(target: string, path: string): void {
  const found = readLink(path);
  if (found === target) return;
  if (found !== undefined) rmSync(path);
  symlinkSync(target, path);
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // It is not there, or no link: making it says which.
  }
}

/** False when nothing is there under the old name. */
function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isCode(error, "ENOENT")) return false;
    throw error;
  }
}

function emptyWhenMissing(error: unknown): string[] {
  if (isCode(error, "ENOENT") || isCode(error, "ENOTDIR")) return [];
  throw error;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
