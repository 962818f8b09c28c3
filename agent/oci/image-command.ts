import { limit } from "../../lib/limits.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ImageConfig } from "../image/images.js";

/**
 * What a container runs where its image says so, for people: arguments as they are written, cut at limits.imageCommandChars. Empty where the
 * container names its command; while the image is not at hand, as after the agent's restart, what was known before.
 */
export function imageCommand(
  { command, args }: Pick<Container, "command" | "args">,
  image: Pick<ImageConfig, "entrypoint" | "command"> | undefined,
  before: readonly string[] = [],
): readonly string[] {
  if (command.length > 0) return [];
  if (image === undefined) return before;
  let left = limit("imageCommandChars");
  return [...image.entrypoint, ...(args.length > 0 ? args : image.command)].flatMap((word) => {
    const part = left <= 0 ? [] : [word.slice(0, left)];
    left -= word.length + 1;
    return part;
  });
}
