import type { Plan } from "../change/change.js";
import { type ChangeChosenFlags, changeChosen } from "../change/each.js";
import { splitPairs } from "../label/label.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { containersNamed, containersPatch } from "./containers.js";

/** Gives containers other images: CONTAINER=IMAGE, "*" for every container. */
export async function runSetImage(
  { flags, operands }: { readonly flags: ChangeChosenFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { objects, pairs } = splitPairs(operands);
  if (pairs.length === 0) throw usageError("say which image: CONTAINER=IMAGE");
  const images = pairs.map((pair) => {
    const equals = pair.indexOf("=");
    if (equals <= 0 || equals === pair.length - 1) throw usageError(`"${pair}" is not CONTAINER=IMAGE`);
    return { pattern: pair.slice(0, equals), image: pair.slice(equals + 1) };
  });
  return changeChosen({ flags, operands: objects }, shell, {
    plan: imagePlan(images),
    told: ({ isChanged }) => (isChanged ? "image updated" : undefined),
  });
}

function imagePlan(images: readonly { readonly pattern: string; readonly image: string }[]): Plan {
  return (live) => {
    const changes = images.flatMap(({ pattern, image }) =>
      containersNamed(live, pattern)
        .filter(({ json }) => json["image"] !== image)
        .map((container) => ({ container, fields: { image } })),
    );
    return containersPatch(live, changes);
  };
}
