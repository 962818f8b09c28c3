import { type Pins, UNDONE_FROM, UNDONE_TO } from "../../../kinds/config-copies.js";
import { metaOf } from "../../../kinds/object.js";
import type { Cached } from "../../cache/view.js";
import type { ObjectWrite } from "../controller.js";
import { replaceMeta } from "../writes.js";
import { pinsText, type WantedPins } from "./pins.js";

/** What pods are to take once an undo by hand is regarded. */
export interface Regarded {
  readonly configs: WantedPins;
  /** The owner's write by which the undo takes effect or ends. Nothing else may be decided before it is written. */
  readonly writes: readonly ObjectWrite[];
}

/** The revision that a user took the owner back to; undefined when none. */
export function undoneTo({ object }: Cached): string | undefined {
  return metaOf(object).annotations[UNDONE_TO];
}

/**
 * The content that the owner's pods take: that of the revision that it was taken back to, for as long as the template is the revision's and the
 * ConfigMaps and Secrets are as they were then. `target` holds the revision's pins; undefined when it is gone or has another template.
 */
export function regardUndo(owner: Cached, configs: WantedPins, target: Pins | undefined): Regarded {
  const { annotations, ...meta } = metaOf(owner.object);
  const { [UNDONE_TO]: to, [UNDONE_FROM]: from, ...others } = annotations;
  if (to === undefined && from === undefined) return { configs, writes: [] };
  const now = pinsText(configs.pins);
  const isOver = to === undefined || target === undefined || configs.change !== "roll" || (from ?? now) !== now;
  if (isOver) return { configs, writes: [replaceMeta(owner, { ...meta, annotations: others })] };
  const writes =
    from === undefined ? [replaceMeta(owner, { ...meta, annotations: { ...annotations, [UNDONE_FROM]: now } })] : [];
  return { configs: { ...configs, pins: { ...configs.pins, ...target } }, writes };
}
