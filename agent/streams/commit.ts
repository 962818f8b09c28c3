import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ImageOutput } from "../../proto/gen/tallship/v1/images.js";
import type { CommitTask } from "../../proto/gen/tallship/v1/streams.js";
import { imageOutput, loginsOf, telling } from "../image/image-outputs.js";
import type { ImageLibrary, Images } from "../image/images.js";
import { ranConfig } from "../image/ran-config.js";
import { type OwnRootParts, ownRoot } from "./own-root.js";

/** What making images of containers takes. */
export interface CommitParts extends OwnRootParts {
  readonly images: Pick<Images, "lookup" | "ensure">;
  readonly library: Pick<ImageLibrary, "make">;
}

/** Makes an image of a container: its image, and what the container has made of its files as one layer more. The container goes on meanwhile. */
export function commit(
  parts: CommitParts,
  podUid: string,
  { container, names, changes, author, message, isOwn, logins }: CommitTask,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  return telling(async (onProgress) => {
    const root = await ownRoot(parts, podUid, container);
    // Its packed layers are needed too: whoever is to run the new image gets them from here.
    const { reference, digest } = root.image;
    const wanted = { reference, policy: "IfNotPresent", isWhole: true, isOwn, credentials: loginsOf(logins) } as const;
    await parts.images.ensure(wanted, { signal });
    const made = {
      layer: root.layer(signal),
      base: digest,
      run: (config: unknown) => ranConfig(config, root.container),
      ...{ changes, author, comment: message, createdBy: wordsOf(root.container) },
    };
    const image = await parts.library.make(made, { names, signal, onProgress });
    return [imageOutput({ $case: "loaded", value: { ...image, names: [...image.names], nodes: [] } })];
  });
}

/** What the container was told to run, in the words that it was told. */
function wordsOf({ command, args }: Container): string {
  return [...command, ...args].join(" ");
}
