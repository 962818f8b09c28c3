import type { Node } from "../../proto/gen/tallship/v1/node.js";
import type { ContentHolder } from "../../proto/gen/tallship/v1/session.js";
import type { View } from "../cache/view.js";

/** A node that can take work on images. */
export interface ImageNode {
  readonly name: string;
  /** How much of the content asked for it holds. */
  readonly heldCount: number;
}

/**
 * The connected nodes that can take images, those first that hold most, then those without pressure on their disk, then by name. Not Ready ones are left out.
 */
export function imageNodes(view: View, connected: readonly ContentHolder[]): readonly ImageNode[] {
  const usable = connected.flatMap((holder) => {
    const node = view.get("Node", "", holder.name);
    return node !== undefined && is(node, "Ready") ? [{ holder, pressed: is(node, "DiskPressure") ? 1 : 0 }] : [];
  });
  return usable
    .sort(
      (a, b) =>
        b.holder.heldCount - a.holder.heldCount || a.pressed - b.pressed || (a.holder.name < b.holder.name ? -1 : 1),
    )
    .map(({ holder }) => holder);
}

function is({ status }: Node, type: string): boolean {
  return status?.conditions.some((condition) => condition.type === type && condition.status === "True") === true;
}
