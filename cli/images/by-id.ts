import { hasCode } from "../../lib/errors.js";
import type { Cluster } from "../cluster.js";

/** The image that is meant: where a word could be an id of `images`, that image by its name. Of any other word nothing is asked. */
export async function imageMeant(
  { images }: Pick<Cluster, "images">,
  word: string,
  signal: AbortSignal,
): Promise<string> {
  if (!/^(sha256:)?[0-9a-f]{4,64}$/.test(word)) return word;
  const found = await images.list({ names: [word] }, { signal }).catch((error: unknown) => {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  });
  return found?.images[0]?.name ?? word;
}
