import { isKindName } from "../../kinds/registry.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { View } from "../cache/view.js";
import type { Notice } from "../events/notice.js";

/** What a node may tell of: itself and pods that are bound to it. Undefined for anything else, which is dropped. */
export function noticeOfNode(event: Event, nodeName: string, view: View): Notice | undefined {
  const about = event.involvedObject;
  if (about === undefined || !isKindName(about.kind)) return undefined;
  const key = { kind: about.kind, namespace: about.namespace, name: about.name };
  const isOwn = about.kind === "Node" ? about.name === nodeName : isBoundHere(about, nodeName, view);
  if (!isOwn) return undefined;
  const type = event.type === "Warning" ? "Warning" : "Normal";
  return { about: key, type, reason: event.reason, message: event.message };
}

function isBoundHere(about: NonNullable<Event["involvedObject"]>, nodeName: string, view: View): boolean {
  if (about.kind !== "Pod") return false;
  return view.get("Pod", about.namespace, about.name)?.spec?.nodeName === nodeName;
}
