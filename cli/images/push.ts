import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { Progress } from "./progress.js";

/** What `push` was asked. */
export interface PushFlags extends ClusterFlags {
  readonly quiet: boolean;
}

/** Has a node send an image of the cluster to a registry, and tells what the registry had already. */
export async function runPush(
  { flags, operands }: { readonly flags: PushFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [name, to = "", ...rest] = operands;
  if (name === undefined || rest.length > 0) throw usageError("name the image, and what the registry is to call it");
  return withCluster(shell, flags, async ({ images, namespace }) => {
    const progress = new Progress(shell, flags.quiet);
    for await (const { part } of images.push({ name, to, namespace }, { signal: shell.signal })) {
      if (part?.$case === "progress") await progress.tell(part.value);
      if (part?.$case !== "output" || flags.quiet) continue;
      await progress.clear();
      await shell.stdout.write(part.value);
    }
    await progress.clear();
    if (flags.quiet) await shell.stdout.write(`${to === "" ? name : to}\n`);
    return 0;
  });
}
