import type { TreeNode } from "../yaml/tree.js";

/** Why a patch cannot be applied. */
export interface PatchRefusal {
  /** Path in the object that was to be changed; empty when the patch itself is malformed. */
  readonly path: string;
  readonly message: string;
  /** Offset in the patch's source. */
  readonly at: number;
}

/** What became of a tree. It is never changed in place: what stays is shared. */
export type Patched =
  | { readonly is: "patched"; readonly tree: TreeNode }
  /** The patch says that the object as a whole is to go. */
  | { readonly is: "deleted" }
  | { readonly is: "refused"; readonly why: readonly PatchRefusal[] };
