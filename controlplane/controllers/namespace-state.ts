import { isDeleting } from "../../kinds/pod-state.js";
import type { View } from "../cache/view.js";

/** True once a namespace is to go: nothing new is created in it, or it would never be empty. */
export function isNamespaceDeleting(namespace: string, view: View): boolean {
  const object = view.get("Namespace", "", namespace);
  return object !== undefined && isDeleting(object);
}
