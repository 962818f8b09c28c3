// Edge: mounts.
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord, shellWords } from "../launcher/shell-words.js";
import { mappedOverlay } from "../userns/mapped-mount.js";
import type { VolumePlan } from "./wanted-volume.js";

/** Nothing of an image volume can be written, run or be a device. As in Kubernetes. */
const OPTIONS = "ro,nosuid,nodev,noexec";

/**
 * Mounts an image's layers, read-only, unless they are. The layers are named by short links beside the mount: their paths would fill the page that mount options get. An image
 * of a single layer is no overlay, of which there have to be two: it has an empty folder below.
 */
export async function mountImage(
  { name, layerPaths, users }: Extract<VolumePlan, { is: "image" }>,
  { path, links }: { readonly path: string; readonly links: string },
  launcher: Launcher,
): Promise<void> {
  mkdirSync(path, { recursive: true });
  rmSync(links, { recursive: true, force: true });
  mkdirSync(`${links}/empty`, { recursive: true, mode: 0o755 });
  for (const [at, layer] of layerPaths.entries()) symlinkSync(layer, `${links}/${at}`);
  const lower = [...layerPaths.map((_, at) => `${at}`), "empty"].join(":");
  const options = `${OPTIONS},lowerdir=${lower}`;
  const mount =
    users === undefined
      ? shellWords(["mount", "-t", "overlay", "overlay", "-o", options, path])
      : mappedOverlay(users, path, { options, cwd: links });
  const script = `mountpoint -q ${shellWord(path)} || { cd ${shellWord(links)} && ${mount}; }`;
  const { exitCode, output } = await launcher.run(script);
  if (exitCode !== 0) throw new TallshipError("kernel_failed", `volume ${name}: mount its image: ${output.trim()}`);
}
