import { keyOf, metaOf, type Typed } from "../../kinds/object.js";
import { cachedFrom } from "./cached.js";
import { ObjectView } from "./object-view.js";
import type { View } from "./view.js";

/**
 * A view of just these objects, for tests of what only reads. An object's revision is its metadata.resourceVersion, or its place in
 * the list (from 1) when it has none; the view's is the greatest of them.
 */
export function viewOf(objects: readonly Typed[]): View {
  const view = new ObjectView();
  objects.forEach((typed, at) => {
    const revision = Number(metaOf(typed.object).resourceVersion) || at + 1;
    view.replace(keyOf(typed), cachedFrom(typed, revision));
    view.revision = Math.max(view.revision, revision);
  });
  return view;
}
