import type { JsonObject } from "../../kinds/encode.js";
import { usageError } from "../verb.js";

/** The one name that a command which creates an object is given. */
export function nameOf(operands: readonly string[], what: string): string {
  const [name, ...others] = operands;
  if (name === undefined) throw usageError(`name the ${what}`);
  if (others.length > 0) throw usageError(`unexpected "${others[0]}"`);
  return name;
}

/** Containers of these images, each named after its image as kubectl does: without registry, tag and digest. */
export function containersOf(
  images: readonly string[],
  command: readonly string[] | undefined,
  more: JsonObject = {},
): readonly JsonObject[] {
  if (images.length === 0) throw usageError("say which image: --image=IMAGE");
  if (images.length > 1 && command !== undefined) throw usageError("a command goes with one image only");
  return images.map((image) => ({
    name: containerName(image),
    image,
    ...(command === undefined || command.length === 0 ? {} : { command }),
    ...more,
  }));
}

function containerName(image: string): string {
  const [path = ""] = image.split("@");
  const base = path.slice(path.lastIndexOf("/") + 1).split(":")[0] ?? "";
  return (
    base
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 63) || "main"
  );
}
