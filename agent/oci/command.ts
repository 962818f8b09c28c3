import { TallshipError } from "../../lib/errors.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ImageConfig } from "../image/images.js";
import { expand } from "./expand.js";

/**
 * What a container runs. `command` replaces the image's entrypoint and, unless `args` is given too, its command is dropped; `args` replaces
 * the image's command. Variables in both are replaced, in the image's they are not. As in Kubernetes.
 */
export function commandOf(
  { name, command, args }: Container,
  image: ImageConfig,
  variables: ReadonlyMap<string, string>,
): readonly string[] {
  const own = (words: readonly string[]): readonly string[] => words.map((word) => expand(word, variables));
  const entrypoint = command.length > 0 ? own(command) : image.entrypoint;
  const rest = args.length > 0 ? own(args) : command.length > 0 ? [] : image.command;
  const words = [...entrypoint, ...rest];
  if (words.length === 0)
    throw new TallshipError(
      "invalid_argument",
      `container ${name}: neither the container nor its image says what to run`,
    );
  return words;
}
