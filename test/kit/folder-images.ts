import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import type { ImageConfig, Images, LocalImage, RootFsDriver } from "../../agent/image/images.js";
import { TallshipError } from "../../lib/errors.js";

const CONFIG: ImageConfig = {
  entrypoint: [],
  command: ["sh"],
  env: ["PATH=/bin"],
  workingDir: "",
  user: "",
  stopSignal: "",
  labels: {},
};

/** Images that are all the same folder; the reference "missing" does not exist. */
export function folderImages(folder: string, config: Partial<ImageConfig> = {}): Images {
  const imageOf = (reference: string): LocalImage => ({
    reference,
    digest: `sha256:${"0".repeat(64)}`,
    config: { ...CONFIG, ...config },
    layerPaths: [folder],
  });
  return {
    lookup: ({ reference }) => (reference === "missing" ? undefined : imageOf(reference)),
    ensure: async ({ reference }) => {
      throw new TallshipError("image_not_found", `image ${reference}: no registry has it`);
    },
    digests: () => [],
    named: () => [],
    onContent: () => undefined,
    digestOf: () => undefined,
    list: () => [],
    remove: async () => undefined,
    prune: async () => 0,
  };
}

/** Overlays in a folder, one per container. */
export function folderRootFs(folder: string): RootFsDriver {
  mkdirSync(folder, { recursive: true });
  return {
    name: "overlayfs",
    prepare: async (id, { layerPaths }, owner = 0) => {
      const own = `${folder}/${id}`;
      execFileSync("mkdir", ["-p", `${own}/upper`, `${own}/work`, `${own}/merged`]);
      chownSync(`${own}/upper`, owner, owner);
      const options = `lowerdir=${layerPaths.join(":")},upperdir=${own}/upper,workdir=${own}/work`;
      return { path: `${own}/merged`, mount: { type: "overlay", source: "overlay", options, cwd: own } };
    },
    find: async () => undefined,
    compare: async () => undefined,
    remove: async (id) => rmSync(`${folder}/${id}`, { recursive: true, force: true }),
    list: async () => readdirSync(folder),
    layersInUse: async () => [],
    prune: async () => undefined,
  };
}
