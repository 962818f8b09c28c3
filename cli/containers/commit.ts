import { metaOf } from "../../kinds/object.js";
import { CommitContainer } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { tellMade } from "../images/made.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { findContainer } from "./find.js";

/** What `commit` was asked. */
export interface CommitFlags extends ClusterFlags {
  readonly author: string | undefined;
  readonly change: readonly string[];
  readonly message: string | undefined;
  readonly quiet: boolean;
}

/** Makes an image of the cluster of what a container is now, as docker commit. */
export function runCommit(
  { flags, operands }: { readonly flags: CommitFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [word, image, ...others] = operands;
  if (word === undefined || others.length > 0) throw usageError("name a container, and the image that it becomes");
  if (image === undefined) throw usageError("name the image that it becomes: the cluster keeps images by their names");
  return withCluster(shell, flags, async ({ images, ...cluster }) => {
    const { pod, container } = await findContainer({ images, ...cluster }, word, shell.signal);
    const { namespace, name } = metaOf(pod);
    const { author = "", message = "", change: changes } = flags;
    const of = { namespace, pod: name, container, names: [image], changes: [...changes], author, message };
    const outputs = images.commit(CommitContainer.fromPartial(of), { signal: shell.signal });
    await tellMade(outputs, shell, flags.quiet);
    return EXIT.ok;
  });
}
