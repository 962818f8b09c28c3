import { toJson } from "../../kinds/encode.js";
import { metaOf, withMeta } from "../../kinds/object.js";
import { patchObject } from "../../kinds/patch/patch-object.js";
import { problemText } from "../../kinds/problem.js";
import { parseLazily } from "../../kinds/yaml/parse-lazily.js";
import { TallshipError } from "../../lib/errors.js";
import { madeUp } from "../create/write.js";
import { usageError } from "../verb.js";
import type { RunFlags } from "./flags.js";
import type { RunOrder } from "./order.js";

/** Stands for the namespace that the pod gets later. */
const PASSING = "default";

/** The order with the pod as kubectl's --overrides makes it; what is wrong with them, or without effect, is told at its place. */
export async function overridden(order: RunOrder, { overrides, overrideType }: RunFlags): Promise<RunOrder> {
  if (overrides === undefined && overrideType !== undefined) throw usageError("--override-type is that of --overrides");
  if (overrides === undefined) return order;
  const source = { name: "--overrides", text: overrides };
  const { documents, problems } = await parseLazily(source);
  const [tree, ...others] = documents;
  const refuse = (found: typeof problems): TallshipError =>
    new TallshipError("invalid_argument", found.map(problemText).join("\n"));
  if (problems.length > 0) throw refuse(problems);
  if (tree === undefined || others.length > 0) throw usageError("--overrides is one document of JSON or YAML");
  const form = overrideType === "strategic" || overrideType === "json" ? overrideType : "merge";
  const result = patchObject(madeUp(order.pod, PASSING), { form, tree, source });
  if (result.is === "refused") throw refuse(result.problems);
  const bare = withMeta(result.typed, { ...metaOf(result.typed.object), namespace: "" });
  // Nobody but the overrides says anything that has no effect.
  return { ...order, pod: toJson(bare), notes: [...order.notes, ...result.warnings.map(problemText)] };
}
