import { TallshipError } from "../../lib/errors.js";
import { LoadImages } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { Progress } from "./progress.js";
import { upload } from "./upload.js";

/** What `image load` was asked. */
export interface LoadFlags extends ClusterFlags {
  readonly input: string | undefined;
  readonly tag: readonly string[];
  readonly quiet: boolean;
}

/** Sends an archive to the cluster and tells what became of it. */
export async function runLoad({ flags }: { readonly flags: LoadFlags }, shell: Shell): Promise<number> {
  const path = flags.input ?? "-";
  if (path === "-" && shell.stdin.isTerminal) throw usageError("name the archive with -i, or pipe it in");
  const archive = await openArchive(shell, path, "load");
  return withCluster(shell, flags, async ({ images }) => {
    const progress = new Progress(shell, flags.quiet);
    const messages = upload(
      {
        start: LoadImages.fromPartial({ part: { $case: "start", value: { names: [...flags.tag] } } }),
        archive,
        chunk: (bytes) => LoadImages.fromPartial({ part: { $case: "chunk", value: bytes } }),
      },
      shell.signal,
    );
    const outputs = images.load(messages, { signal: shell.signal });
    for await (const { part } of outputs) {
      if (part?.$case === "progress") await progress.tell(part.value);
      if (part?.$case !== "loaded") continue;
      await progress.clear();
      for (const name of part.value.names) await shell.stdout.write(`Loaded image: ${name}\n`);
      if (part.value.nodes.length === 1) await shell.stderr.write(`only node ${part.value.nodes[0]} holds it yet\n`);
    }
    await progress.clear();
    return 0;
  });
}

/** The bytes of an archive: of a file, or of standard input for -. */
export async function openArchive(shell: Shell, path: string, verb: string): Promise<AsyncIterable<Uint8Array>> {
  if (path === "-") return shell.stdin.chunks(shell.signal);
  const found = await shell.files.find(path);
  if (found.is === "file") return shell.files.chunks(path);
  const why = found.is === "folder" ? "is a folder, not an archive; pack it with tar" : "does not exist";
  throw new TallshipError("invalid_argument", `${verb} ${path}: it ${why}`);
}
