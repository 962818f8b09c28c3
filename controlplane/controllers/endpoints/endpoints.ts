import { matchesLabels } from "../../../kinds/label-selector.js";
import { metaOf, type ObjectKey } from "../../../kinds/object.js";
import { isDeleting } from "../../../kinds/pod-state.js";
import { limit } from "../../../lib/limits.js";
import type { Endpoint } from "../../../proto/gen/tallship/v1/endpointslice.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../../proto/gen/tallship/v1/service.js";
import { ofKind } from "../../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../../cache/view.js";
import { type Controller, NOTHING, type ObjectWrite, type Outcome, type ReconcileContext } from "../controller.js";
import { isNamespaceDeleting } from "../namespace-state.js";
import { ordinalName } from "../ordinal-name.js";
import { childMeta, create, remove, replace } from "../writes.js";
import { pack } from "./pack.js";
import {
  type EndpointGroup,
  groupKey,
  isSameEndpoint,
  isSelecting,
  isWithdrawn,
  wantedGroups,
  zoneOf,
} from "./wanted.js";

const serviceLabel = "kubernetes.io/service-name";
const managerLabel = "endpointslice.kubernetes.io/managed-by";
const headlessLabel = "service.kubernetes.io/headless";
const manager = "endpoints.tallship.dev";

/**
 * Keeps the endpoint slices of services with a selector. A pod is withdrawn as soon as it is being deleted, is not ready, or its node is
 * not; slices that others manage are left alone. All changes of one service are one transaction, in as few slices as can be.
 */
export const endpoints: Controller = { name: "endpoints", keysFor, reconcile };

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  switch (key.kind) {
    case "Service":
      return [key];
    case "EndpointSlice":
      return [before, after].flatMap((slice) => (slice === undefined ? [] : serviceOfSlice(slice)));
    case "Pod":
      return keysOfPod(ofKind(before, "Pod")?.object, ofKind(after, "Pod")?.object, view);
    case "Node":
      return keysOfNode(ofKind(before, "Node"), ofKind(after, "Node"), view);
    default:
      return [];
  }
}

function serviceOfSlice({ object }: Cached): readonly ObjectKey[] {
  const { labels, namespace } = metaOf(object);
  return labels[managerLabel] === manager ? [serviceKey(namespace, labels[serviceLabel] ?? "")] : [];
}

function keysOfPod(before: Pod | undefined, after: Pod | undefined, view: View): readonly ObjectKey[] {
  const labelsBefore = before?.metadata?.labels ?? {};
  const labels = after?.metadata?.labels ?? {};
  const isSameLabels = before !== undefined && after !== undefined && matchesLabels(labels, labelsBefore);
  if (isSameLabels && matchesLabels(labelsBefore, labels) && isSameEndpoint(before, after)) return [];
  const { namespace } = metaOf(after ?? before ?? {});
  return view
    .list("Service", namespace)
    .filter(({ object }) => selects(object, labels) || selects(object, labelsBefore))
    .map(({ object }) => serviceKey(namespace, metaOf(object).name));
}

function keysOfNode(
  before: Cached<"Node"> | undefined,
  after: Cached<"Node"> | undefined,
  view: View,
): readonly ObjectKey[] {
  const [was, is] = [before?.object, after?.object];
  if (isWithdrawn(was) === isWithdrawn(is) && zoneOf(was) === zoneOf(is)) return [];
  const { name } = metaOf(is ?? was ?? {});
  const keys = new Map<string, ObjectKey>();
  for (const { object } of view.podsOnNode(name))
    for (const key of keysOfPod(undefined, object, view)) keys.set(`${key.namespace}/${key.name}`, key);
  return [...keys.values()];
}

function serviceKey(namespace: string, name: string): ObjectKey {
  return { kind: "Service", namespace, name };
}

function selects(service: Service, labels: Readonly<Record<string, string>>): boolean {
  return isSelecting(service) && matchesLabels(service.spec?.selector ?? {}, labels);
}

function reconcile({ namespace, name }: ObjectKey, view: View, context: ReconcileContext): Outcome {
  const service = view.cached("Service", namespace, name);
  // Deleted: the owner collector removes the slices.
  if (service === undefined || isDeleting(service.object) || isNamespaceDeleting(namespace, view)) return NOTHING;
  const standing = view
    .withLabels("EndpointSlice", namespace, { [serviceLabel]: name, [managerLabel]: manager })
    .filter(({ object }) => !isDeleting(object));
  const groups = groupsOf(service.object, view);
  const held = grouped(standing);
  const names = namesFor(service, view);
  const writes = [...new Set([...groups.keys(), ...held.keys()])].flatMap((key) => {
    const group = groups.get(key);
    const slices = held.get(key) ?? [];
    // A service that finds no pod for the moment keeps an empty slice; other ports than today's, or no selector, keep none.
    if (group === undefined && (groups.size > 0 || !isSelecting(service.object)))
      return slices.flatMap((slice) => remove(slice, { nowMs: context.nowMs }));
    return groupWrites({ service, group, held: slices }, names, context);
  });
  const most = limit("transactionObjects");
  return writes.length > most ? { writes: writes.slice(0, most), againMs: 0 } : { writes };
}

function groupsOf(service: Service, view: View): ReadonlyMap<string, EndpointGroup> {
  if (!isSelecting(service)) return new Map();
  const { namespace } = metaOf(service);
  const pods = view.withLabels("Pod", namespace, service.spec?.selector ?? {}).map(({ object }) => object);
  return wantedGroups(service, pods, {
    nodeNamed: (nodeName) => view.get("Node", "", nodeName),
    isBridge: (network) => view.get("Network", namespace, network)?.spec?.driver === "bridge",
  });
}

function grouped(slices: readonly Cached<"EndpointSlice">[]): ReadonlyMap<string, readonly Cached<"EndpointSlice">[]> {
  const groups = new Map<string, Cached<"EndpointSlice">[]>();
  for (const slice of slices) {
    const key = groupKey(slice.object.addressType, slice.object.ports);
    groups.set(key, [...(groups.get(key) ?? []), slice]);
  }
  return groups;
}

interface GroupWork {
  readonly service: Cached<"Service">;
  readonly group: EndpointGroup | undefined;
  readonly held: readonly Cached<"EndpointSlice">[];
}

function groupWrites(
  { service, group, held }: GroupWork,
  nextName: () => string,
  context: ReconcileContext,
): readonly ObjectWrite[] {
  const packing = pack(
    held.map((slice) => ({ slice, endpoints: slice.object.endpoints })),
    group?.endpoints ?? [],
    limit("endpointsPerSlice"),
  );
  const changed = packing.kept.filter(({ isChanged }) => isChanged);
  // A service that selects nothing for the moment keeps its slice; one that no longer selects keeps none.
  const isOver = group === undefined && (!isSelecting(service.object) || packing.kept.length < held.length);
  const gone = isOver ? held : packing.removed;
  return [
    ...(isOver ? [] : changed.map(({ slice, endpoints }) => replace(slice, { ...slice.object, endpoints }))),
    ...packing.added.map((endpoints) =>
      create("EndpointSlice", sliceOf(service, nextName(), group, endpoints, context)),
    ),
    ...gone.flatMap((slice) => remove(slice, { nowMs: context.nowMs })),
  ];
}

function sliceOf(
  service: Cached<"Service">,
  name: string,
  group: EndpointGroup | undefined,
  content: readonly Endpoint[],
  context: ReconcileContext,
) {
  const isHeadless = service.object.spec?.clusterIP === "None";
  const labels = {
    [serviceLabel]: metaOf(service.object).name,
    [managerLabel]: manager,
    ...(isHeadless ? { [headlessLabel]: "" } : {}),
  };
  const metadata = childMeta(service, name, { labels }, context);
  return { metadata, addressType: group?.addressType ?? "IPv4", endpoints: content, ports: group?.ports ?? [] };
}

/** Names that no slice has, lowest first; derived, so that two leaders would conflict instead of making two slices. */
function namesFor(service: Cached<"Service">, view: View): () => string {
  const { namespace, name, uid } = metaOf(service.object);
  let ordinal = -1;
  return () => {
    let candidate: string;
    do {
      ordinal += 1;
      candidate = ordinalName(name, uid, ordinal);
    } while (view.get("EndpointSlice", namespace, candidate) !== undefined);
    return candidate;
  };
}
