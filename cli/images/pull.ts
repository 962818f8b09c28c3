import type { ImageOutput, LoadedImage } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { safeText } from "../safe-text.js";
import type { Output, Shell } from "../shell.js";
import { toldAlready, usageError } from "../verb.js";
import { splitName } from "./list.js";
import { Progress } from "./progress.js";

/** What `pull` was asked. */
export interface PullFlags extends ClusterFlags {
  readonly node: readonly string[];
  readonly quiet: boolean;
}

/** Has nodes pull images and tells what became of each. */
export async function runPull(
  { flags, operands }: { readonly flags: PullFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length === 0) throw usageError("name the image");
  return withCluster(shell, flags, async ({ images, namespace }) => {
    let isWhole = true;
    for (const name of operands) {
      const outputs = images.pull({ name, nodes: [...flags.node], namespace }, { signal: shell.signal });
      const telling = { shell, isQuiet: flags.quiet, stdout: shell.stdout };
      isWhole = (await tellPull(outputs, telling)) && isWhole;
    }
    // Which nodes failed, and why, stands there already.
    if (!isWhole) throw toldAlready("image_pull_failed");
    return 0;
  });
}

/** Tells of a pull as docker does; false when some node failed. */
export async function tellPull(
  outputs: AsyncIterable<ImageOutput>,
  { shell, isQuiet, stdout }: { readonly shell: Shell; readonly isQuiet: boolean; readonly stdout: Output },
): Promise<boolean> {
  const progress = new Progress(shell, isQuiet);
  let moved = false;
  let isWhole = true;
  for await (const { part } of outputs) {
    if (part?.$case === "progress") {
      moved = true;
      await progress.tell(part.value);
    }
    if (part?.$case !== "failed" && part?.$case !== "loaded") continue;
    await progress.clear();
    if (part.$case === "loaded") await stdout.write(isQuiet ? `${part.value.names[0]}\n` : textOf(part.value, moved));
    else {
      isWhole = false;
      await shell.stderr.write(`error: node ${part.value.name}: ${safeText(part.value.message)}\n`);
    }
  }
  await progress.clear();
  return isWhole;
}

function textOf({ names, spec, nodes }: LoadedImage, moved: boolean): string {
  const [name = ""] = names;
  const short = name.includes("@") ? name : splitName(name).join(":");
  const own = spec?.registryDigest === "";
  const digest = spec?.registryDigest || spec?.digest;
  const what = moved ? "Downloaded newer image for" : "Image is up to date for";
  const where = nodes.length === 1 ? `on node ${nodes[0]}` : `on ${nodes.length} nodes`;
  const note = own ? ", the cluster's own: no registry was asked" : "";
  return `Digest: ${digest}\nStatus: ${what} ${short} (${where}${note})\n${name}\n`;
}
