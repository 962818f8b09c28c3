import { metaOf, type ObjectKey } from "../../kinds/object.js";
import { isDeleting } from "../../kinds/pod-state.js";
import { rfc3339 } from "../../lib/clock.js";
import { ServiceAccount } from "../../proto/gen/tallship/v1/serviceaccount.js";
import type { CacheChange, View } from "../cache/view.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "./controller.js";
import { create } from "./writes.js";

/** Gives each namespace its service account `default`, and gives it back when somebody deletes it. */
export const serviceAccount: Controller = { name: "service-account", keysFor, reconcile };

const NAME = "default";

function keysFor({ key }: CacheChange): readonly ObjectKey[] {
  if (key.kind === "Namespace") return [key];
  if (key.kind !== "ServiceAccount" || key.name !== NAME) return [];
  return [{ kind: "Namespace", namespace: "", name: key.namespace }];
}

function reconcile({ name }: ObjectKey, view: View, { nowMs, newUid }: ReconcileContext): Outcome {
  const home = view.get("Namespace", "", name);
  if (home === undefined || isDeleting(home) || view.get("ServiceAccount", name, NAME) !== undefined) return NOTHING;
  const metadata = { name: NAME, namespace: metaOf(home).name, uid: newUid(), creationTimestamp: rfc3339(nowMs) };
  return { writes: [create("ServiceAccount", ServiceAccount.fromPartial({ metadata }))] };
}
