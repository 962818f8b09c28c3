import { LoadImages } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { openArchive } from "./load.js";
import { tellMade } from "./made.js";
import { upload } from "./upload.js";

/** What `import` was asked. */
export interface ImportFlags extends ClusterFlags {
  readonly change: readonly string[];
  readonly message: string | undefined;
  readonly quiet: boolean;
}

/** Makes an image of a root file system in a tar archive, as docker import. */
export async function runImport(
  { flags, operands }: { readonly flags: ImportFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [path, image, ...others] = operands;
  if (path === undefined || others.length > 0) throw usageError("name an archive, and the image that it becomes");
  if (image === undefined) throw usageError("name the image that it becomes: the cluster keeps images by their names");
  if (/^https?:\/\//.test(path)) throw usageError(`fetch it here first: curl -L ${path} | tsctl import - ${image}`);
  if (path === "-" && shell.stdin.isTerminal) throw usageError("name an archive, or pipe one in");
  const archive = await openArchive(shell, path, "import");
  return withCluster(shell, flags, async ({ images }) => {
    const rootFs = { changes: [...flags.change], message: flags.message ?? `Imported from ${path}` };
    const messages = upload(
      {
        start: LoadImages.fromPartial({ part: { $case: "start", value: { names: [image], rootFs } } }),
        archive,
        chunk: (bytes) => LoadImages.fromPartial({ part: { $case: "chunk", value: bytes } }),
      },
      shell.signal,
    );
    await tellMade(images.load(messages, { signal: shell.signal }), shell, flags.quiet);
    return EXIT.ok;
  });
}
