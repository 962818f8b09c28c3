import { hasCode, TallshipError } from "../../lib/errors.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { lookAtContainers } from "../containers/inspect.js";
import { lookAtImages } from "../images/inspect.js";
import { lookAtNetworks } from "../networks/networks.js";
import type { Shell } from "../shell.js";
import { lookAtVolumes } from "../volumes/volumes.js";
import { type Look, tellInspected } from "./told.js";

/** What `inspect` can tell of, in the order in which a name is looked for. */
export const INSPECTED = ["container", "image", "volume", "network"] as const;

/** One of them. */
export type Inspected = (typeof INSPECTED)[number];

/** What `inspect` was asked. */
export interface InspectFlags extends ClusterFlags {
  readonly format: string | undefined;
  readonly type: Inspected | undefined;
}

const LOOKS: { readonly [K in Inspected]: (cluster: Cluster, shell: Shell) => Look } = {
  container: lookAtContainers,
  image: lookAtImages,
  volume: lookAtVolumes,
  network: lookAtNetworks,
};

/** Tells all of what names stand for, as docker inspect: a container's, else an image's, a volume's or a network's. */
export function runInspect(
  { flags, operands }: { readonly flags: InspectFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, (cluster) => {
    const { format, type } = flags;
    const looks = (type === undefined ? INSPECTED : [type]).map((each) => LOOKS[each](cluster, shell));
    return tellInspected(operands, { format, shell, look: (word) => firstOf(looks, word) });
  });
}

async function firstOf(looks: readonly Look[], word: string): ReturnType<Look> {
  const [only] = looks;
  // Who has said what it is hears that there is none such.
  if (only !== undefined && looks.length === 1) return only(word);
  for (const look of looks) {
    const found = await look(word).catch((error: unknown) => {
      // What cannot be a volume's name may be an image's.
      if (!hasCode(error, "not_found") && !hasCode(error, "invalid_argument")) throw error;
    });
    if (found !== undefined) return found;
  }
  throw new TallshipError("not_found", `no such object: ${word}`);
}
