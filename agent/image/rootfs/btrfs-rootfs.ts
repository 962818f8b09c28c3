// Edge: btrfs subvolumes.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asTexts } from "../../../lib/json-shape.js";
import { onDisk } from "../disk-errors.js";
import type { ComparableRoot, LocalImage, RootFs, RootFsDriver } from "../images.js";
import type { RunCommand } from "../run-command.js";
import { SharedTasks } from "../shared-tasks.js";
import { flattenLayer, type Hidden } from "./flatten-layer.js";

/** Where the subvolumes are, and what layers hide. */
export interface BtrfsRootFsOptions {
  /** On btrfs, the file system that the layers are on too. */
  readonly folder: string;
  /** What the layer in a folder hides of those below. */
  readonly hiddenBy: (layerPath: string) => Hidden;
  readonly run: RunCommand;
}

/**
 * Root file systems by btrfs: FOLDER/CONTAINER is a snapshot of `.bases/CHAIN`, a read-only subvolume that holds all layers of an image
 * flattened, made once per image by reflinks. A snapshot needs neither the layers nor a mount, and writing to a large file
 * copies no more than what is written, where overlayfs copies the file.
 */
export class BtrfsRootFs implements RootFsDriver {
  readonly name = "btrfs";
  private readonly options: BtrfsRootFsOptions;
  private readonly bases: string;
  private readonly building = new SharedTasks<void>();

  constructor(options: BtrfsRootFsOptions) {
    this.options = options;
    this.bases = join(options.folder, BASES);
  }

  async prepare(containerId: string, image: LocalImage): Promise<RootFs> {
    const path = join(this.options.folder, containerId);
    if (!existsSync(path)) {
      const base = await onDisk(`flatten ${image.reference}`, () => this.baseOf(image.layerPaths));
      await this.options.run("btrfs", ["subvolume", "snapshot", base, path]);
    }
    return { path, mount: undefined };
  }

  async find(containerId: string): Promise<RootFs | undefined> {
    const path = join(this.options.folder, containerId);
    return existsSync(path) ? { path, mount: undefined } : undefined;
  }

  async compare(containerId: string, image: LocalImage): Promise<ComparableRoot | undefined> {
    const now = await this.find(containerId);
    if (now === undefined) return undefined;
    const base = await onDisk(`flatten ${image.reference}`, () => this.baseOf(image.layerPaths));
    return { now, before: { path: base, mount: undefined }, written: undefined };
  }

  async remove(containerId: string): Promise<void> {
    await this.deleteSubvolume(join(this.options.folder, containerId));
  }

  async list(): Promise<readonly string[]> {
    const names = existsSync(this.options.folder) ? await readdir(this.options.folder) : [];
    return names.filter((name) => name !== BASES).sort();
  }

  async layersInUse(): Promise<readonly string[]> {
    return [];
  }

  async prune(): Promise<void> {
    const names = existsSync(this.bases) ? await readdir(this.bases) : [];
    for (const name of names.filter((each) => each.endsWith(LAYERS))) {
      const layers = asTexts(JSON.parse(await readFile(join(this.bases, name), "utf8")));
      if (layers.every((path) => existsSync(path))) continue;
      await this.deleteSubvolume(join(this.bases, name.slice(0, -LAYERS.length)));
      await rm(join(this.bases, name));
    }
  }

  private async baseOf(layerPaths: readonly string[]): Promise<string> {
    const chain = createHash("sha256").update(layerPaths.join("\n")).digest("hex");
    const path = join(this.bases, chain);
    if (existsSync(path)) return path;
    await this.building.join(chain, new AbortController().signal, () => this.build(path, layerPaths));
    return path;
  }

  private async build(path: string, layerPaths: readonly string[]): Promise<void> {
    const unfinished = `${path}${UNFINISHED}`;
    await mkdir(this.bases, { recursive: true, mode: 0o700 });
    await this.deleteSubvolume(unfinished);
    await this.options.run("btrfs", ["subvolume", "create", unfinished]);
    for (const layer of [...layerPaths].reverse()) {
      await flattenLayer(layer, unfinished, this.options.hiddenBy(layer), this.options.run);
    }
    await writeFile(`${path}${LAYERS}`, JSON.stringify(layerPaths));
    await rename(unfinished, path);
    await this.options.run("btrfs", ["property", "set", path, "ro", "true"]);
  }

  private async deleteSubvolume(path: string): Promise<void> {
    if (existsSync(path)) await this.options.run("btrfs", ["subvolume", "delete", path]);
  }
}

/** Folder of the flattened images; ids of containers do not begin with a dot. */
const BASES = ".bases";
/** End of the name of a base that is being made, and of the file with a base's layers. */
const UNFINISHED = ".unfinished";
const LAYERS = ".layers";
