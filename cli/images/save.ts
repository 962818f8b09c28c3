import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { Progress } from "./progress.js";

/** What `image save` was asked. */
export interface SaveFlags extends ClusterFlags {
  readonly output: string | undefined;
}

/** Writes images of the cluster as one archive. */
export async function runSave(
  { flags, operands }: { readonly flags: SaveFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  if (operands.length === 0) throw usageError("name the images");
  const path = flags.output ?? "-";
  if (path === "-" && shell.stdout.isTerminal)
    throw usageError("an archive is not for a terminal: use -o FILE, or a pipe");
  return withCluster(shell, flags, async ({ images }) => {
    const progress = new Progress(shell, false);
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      for await (const { part } of images.save({ names: [...operands] }, { signal: shell.signal })) {
        if (part?.$case === "progress") await progress.tell(part.value);
        if (part?.$case === "chunk") yield part.value;
      }
    };
    if (path === "-") for await (const chunk of chunks()) await shell.stdout.write(chunk);
    else await shell.files.writeChunks(path, chunks());
    await progress.clear();
    return 0;
  });
}
