import type { JsonObject } from "../../kinds/encode.js";
import { keyOf, metaOf } from "../../kinds/object.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { changeObject } from "../change/change.js";
import type { ClusterFlags } from "../cluster.js";
import { dockerBytes } from "../run/mounts.js";
import { containersOf, containersPatch } from "../set/containers.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { eachContainer, type PowerCall } from "./power.js";

/** What `update` was asked. */
export interface UpdateFlags extends ClusterFlags {
  readonly cpus: string | undefined;
  readonly memory: string | undefined;
}

/** Gives containers that run other amounts of CPU and memory, as `run` had given them: they are limits and are reserved too. */
export function runUpdate(call: PowerCall<UpdateFlags>, shell: Shell): Promise<number> {
  const amounts = amountsOf(call.flags);
  return eachContainer(call, shell, async ({ cluster }, { pod }) => {
    const key = keyOf({ kind: "Pod", object: pod });
    const asked = changeObject({ shell, cluster, dryRun: undefined }, key, (live) =>
      containersPatch(
        live,
        containersOf(live)
          .filter(({ list }) => list === "containers")
          .map((container) => ({ container, fields: { resources: { limits: amounts, requests: amounts } } })),
      ),
    );
    await asked.catch((error: unknown) => {
      if (!/QOS Class may not change/i.test(asTallshipError(error).message)) throw error;
      const why = "what was run without -m and --cpus does not get them later: run it anew with them";
      throw new TallshipError("failed_precondition", `container ${metaOf(pod).name}: ${why}`, { cause: error });
    });
  });
}

function amountsOf({ cpus, memory }: UpdateFlags): JsonObject {
  const bytes = memory === undefined ? undefined : dockerBytes(memory);
  if (memory !== undefined && bytes === undefined) throw usageError(`--memory is a size such as 512m, not "${memory}"`);
  if (cpus !== undefined && !/^\d+(\.\d+)?$/.test(cpus))
    throw usageError(`--cpus is a number such as 1.5, not "${cpus}"`);
  if (cpus === undefined && bytes === undefined) throw usageError("say what to change: --cpus NUMBER, --memory BYTES");
  return { ...(cpus === undefined ? {} : { cpu: cpus }), ...(bytes === undefined ? {} : { memory: bytes }) };
}
