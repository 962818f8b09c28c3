import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { encodeObject } from "../../kinds/object.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { Image } from "../../proto/gen/tallship/v1/image.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** Gives an image of the cluster a further name. A name that stands for another image leaves that. */
export async function runTag(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [source, target, ...rest] = operands;
  if (source === undefined || target === undefined || rest.length > 0)
    throw usageError("name the image and its further name");
  const reference = parseReference(target);
  if (reference.digest !== undefined)
    throw new TallshipError("invalid_argument", `${target} has a digest; a name ends in its tag`);
  return withCluster(shell, flags, async ({ images, objects }) => {
    const { signal } = shell;
    const { images: found } = await images.list({ names: [source] }, { signal });
    const spec = found[0]?.spec;
    const object = Buffer.from(
      encodeObject({
        kind: "Image",
        object: Image.fromPartial({ metadata: { name: formatReference(reference) }, spec }),
      }),
    );
    try {
      await objects.create({ object, dryRun: false }, { signal });
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      await objects.update({ object, dryRun: false }, { signal });
    }
    return 0;
  });
}
