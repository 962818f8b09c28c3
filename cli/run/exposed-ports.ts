import { hasCode } from "../../lib/errors.js";
import { asObject } from "../../lib/json-shape.js";
import type { InspectImageResponse } from "../../proto/gen/tallship/v1/images.js";
import type { Cluster } from "../cluster.js";

/** The ports that an image exposes, as PORT/PROTOCOL. One that the cluster does not know is pulled first, as docker would. */
export async function exposedPorts(
  { images, namespace }: Pick<Cluster, "images" | "namespace">,
  name: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const inspect = (): Promise<InspectImageResponse> => images.inspect({ name }, { signal });
  const found = await inspect().catch(async (error: unknown) => {
    if (!hasCode(error, "not_found")) throw error;
    for await (const _ of images.pull({ name, nodes: [], namespace }, { signal }));
    return inspect();
  });
  const parsed: unknown = JSON.parse(Buffer.from(found.config).toString("utf8"));
  const config = asObject(asObject(parsed)?.["config"]);
  return Object.keys(asObject(config?.["ExposedPorts"]) ?? {}).sort();
}
