import { encodeObject } from "../../kinds/object.js";
import { hasCode } from "../../lib/errors.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import type { ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { Image, type ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { View } from "../cache/view.js";

/** What writing names takes. */
export interface NamingDeps {
  readonly view: View;
  readonly objects: Pick<Handlers<typeof ObjectsDefinition>, "create" | "update">;
}

/** Lets a name of the cluster stand for an image: the last who says so wins, as with docker tag. */
export async function nameImage(
  { view, objects }: NamingDeps,
  name: string,
  spec: ImageSpec,
  context: CallContext,
): Promise<void> {
  const standing = view.get("Image", "", name);
  // Without version and uid: what stands there is replaced whatever it has become meanwhile.
  const { labels = {}, annotations = {} } = standing?.metadata ?? {};
  const object = Buffer.from(
    encodeObject({
      kind: "Image",
      object: Image.fromPartial({ metadata: { name, labels, annotations }, spec }),
    }),
  );
  try {
    await objects.create({ object, dryRun: false }, context);
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
    await objects.update({ object, dryRun: false }, context);
  }
}
