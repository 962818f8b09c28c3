import { IMAGE_DIGESTS } from "../../../kinds/image-pins.js";
import { metaOf, type Typed, withMeta } from "../../../kinds/object.js";
import { everyContainer } from "../../../kinds/pod-containers.js";

/** A pod without the pins of containers that are given another image by hand: their digests are those of the images before. */
export function dropMovedPins(wanted: Typed, live: Typed): Typed {
  if (wanted.kind !== "Pod" || live.kind !== "Pod") return wanted;
  const meta = metaOf(wanted.object);
  const { [IMAGE_DIGESTS]: pins, ...others } = meta.annotations;
  if (pins === undefined) return wanted;
  const before = new Map(everyContainer(live.object).map(({ name, image }) => [name, image]));
  const images = new Map(everyContainer(wanted.object).map(({ name, image }) => [name, image]));
  const isKept = (word: string): boolean => {
    const name = word.slice(0, word.indexOf("="));
    return before.get(name) === images.get(name);
  };
  const kept = pins.split(",").filter(isKept).join(",");
  if (kept === pins) return wanted;
  return withMeta(wanted, { ...meta, annotations: kept === "" ? others : { ...others, [IMAGE_DIGESTS]: kept } });
}
