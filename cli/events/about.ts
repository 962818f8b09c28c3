import { bySeen } from "../../kinds/columns/event.js";
import { keyOf, metaOf, type ObjectKey, type Typed } from "../../kinds/object.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { Cluster } from "../cluster.js";
import { listObjects } from "../objects.js";

/** Selects the events of objects of a kind and name. */
export function fieldsAbout({ kind, name }: Pick<ObjectKey, "kind" | "name">): string {
  return `involvedObject.kind=${kind},involvedObject.name=${name}`;
}

/** Those of the events that are of the object with the uid, the oldest first: of one that had its name before only those without a uid. */
export function eventsOf(events: readonly Event[], uid: string): readonly Event[] {
  return events.filter(({ involvedObject }) => involvedObject?.uid === "" || involvedObject?.uid === uid).sort(bySeen);
}

/** The events of an object of a namespace, the oldest first. */
export async function eventsAbout(cluster: Cluster, typed: Typed, signal: AbortSignal): Promise<readonly Event[]> {
  const { namespace, uid } = metaOf(typed.object);
  const query = { kind: "Event", namespace, fields: fieldsAbout(keyOf(typed)) } as const;
  const { objects } = await listObjects(cluster, query, signal);
  return eventsOf(
    objects.flatMap((each) => (each.kind === "Event" ? [each.object] : [])),
    uid,
  );
}
