import { decodeDocument } from "../decode.js";
import { toJson } from "../encode.js";
import { keyOf, keyText, type Typed } from "../object.js";
import type { Problem } from "../problem.js";
import type { Source } from "../yaml/source.js";
import type { TreeNode } from "../yaml/tree.js";
import { applyJsonPatch } from "./json-patch.js";
import { treeOfJson } from "./json-tree.js";
import { applyMergePatch } from "./merge-patch.js";
import type { Patched } from "./patched.js";
import { applyStrategicPatch } from "./strategic-patch.js";

/** The forms a patch may have, by the names that kubectl gives them. */
export type PatchForm = "json" | "merge" | "strategic";

/** A patch that was read from a source. */
export interface ObjectPatch {
  readonly form: PatchForm;
  readonly tree: TreeNode;
  readonly source: Source;
}

/** The object as the patch makes it, or all that is wrong with the patch, each at its place. */
export type PatchedObject =
  | { readonly is: "patched"; readonly typed: Typed; readonly warnings: readonly Problem[] }
  | { readonly is: "refused"; readonly problems: readonly Problem[] };

/**
 * Patches one object in its JSON form. The result is decoded as strictly as a file: an unknown field of a patch is refused where the patch
 * has it. Values are checked by whoever writes the object. What names the object cannot be changed.
 */
export function patchObject(live: Typed, { form, tree, source }: ObjectPatch): PatchedObject {
  const patched = applyPatch(form, treeOfJson(toJson(live), tree.at), tree, live.kind);
  const refuse = (message: string): PatchedObject => ({
    is: "refused",
    problems: [{ code: "invalid_argument", path: "", message, source, at: tree.at }],
  });
  if (patched.is === "deleted") return refuse("a patch does not delete a whole object");
  if (patched.is === "refused")
    return { is: "refused", problems: patched.why.map((why) => ({ ...why, code: "invalid_argument", source })) };
  const { objects, problems, warnings } = decodeDocument(patched.tree, source);
  if (problems.length > 0) return { is: "refused", problems };
  const [object, ...others] = objects;
  if (object === undefined || others.length > 0) return refuse("the patch leaves no object");
  const [before, after] = [keyText(keyOf(live)), keyText(keyOf(object.typed))];
  if (before !== after) return refuse(`a patch cannot make ${after} of ${before}`);
  return { is: "patched", typed: object.typed, warnings };
}

/** Applies a patch of a form to a tree of a kind; undefined for one that the schema does not have. */
export function applyPatch(
  form: PatchForm,
  target: TreeNode,
  patch: TreeNode,
  kind: Typed["kind"] | undefined,
): Patched {
  switch (form) {
    case "json":
      return applyJsonPatch(target, patch);
    case "merge":
      return { is: "patched", tree: applyMergePatch(target, patch) };
    case "strategic":
      return applyStrategicPatch(target, patch, { messageName: kind, elements: "appended" });
  }
}
