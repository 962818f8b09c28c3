import type { JsonObject } from "../../kinds/encode.js";
import { parseQuantity } from "../../lib/quantity.js";
import { type ChangeChosenFlags, changeChosen } from "../change/each.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { containersNamed, containersPatch } from "./containers.js";

/** What `set resources` was asked. */
export interface SetResourcesFlags extends ChangeChosenFlags {
  readonly limits: string | undefined;
  readonly requests: string | undefined;
  readonly containers: string | undefined;
}

/** Sets limits and requests of containers; an amount of 0 takes one away. */
export async function runSetResources(
  call: { readonly flags: SetResourcesFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { limits, requests, containers = "*" } = call.flags;
  if (limits === undefined && requests === undefined)
    throw usageError("say what to set: --limits=cpu=200m,memory=512Mi, --requests=…");
  const resources = {
    ...(limits === undefined ? {} : { limits: amountsIn(limits, "--limits") }),
    ...(requests === undefined ? {} : { requests: amountsIn(requests, "--requests") }),
  };
  return changeChosen(call, shell, {
    plan: (live) =>
      containersPatch(
        live,
        containersNamed(live, containers).map((container) => ({ container, fields: { resources } })),
      ),
    told: ({ isChanged }) => (isChanged ? "resource requirements updated" : undefined),
  });
}

/** Reads `cpu=200m,memory=512Mi`; null removes. */
function amountsIn(text: string, flag: string): JsonObject {
  return Object.fromEntries(
    text.split(",").map((part) => {
      const [name = "", amount = "", ...rest] = part.split("=");
      const value = parseQuantity(amount);
      if (name === "" || rest.length > 0 || value === undefined)
        throw usageError(`${flag}: "${part}" is not RESOURCE=AMOUNT such as memory=64Mi`);
      return [name, value === 0 ? null : amount];
    }),
  );
}
