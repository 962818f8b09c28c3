import { keyOf, metaOf, type ObjectKey } from "../../kinds/object.js";
import { conditionOf, isDeleting } from "../../kinds/pod-state.js";
import { type Claimant, compareClaimants } from "../../net/proxy/front-order.js";
import { announcedFronts, externalFronts } from "../../net/proxy/outer-fronts.js";
import { type Service, ServiceStatus } from "../../proto/gen/tallship/v1/service.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange, View } from "../cache/view.js";
import { withCondition, withoutCondition } from "./conditions.js";
import { type Controller, NOTHING, type Outcome, type ReconcileContext } from "./controller.js";
import { replace } from "./writes.js";

const CONDITION = "AddressesHeld";

/** So many addresses are named; of more there is the number. */
const NAMED = 3;

/**
 * Tells a service of external and announced addresses whose port another service has, and which that is: nodes lead them to one alone (net/proxy/front-order.ts).
 * Admission refuses such addresses; what two clients write at once, or a pool gives, it does not see.
 */
export const contestedFronts: Controller = {
  name: "contested-fronts",
  keysFor,
  reconcile: (key, view, context) => reconcile(key, view, context),
};

function keysFor({ key, before, after }: CacheChange, view: View): readonly ObjectKey[] {
  if (key.kind !== "Service") return [];
  const [was, is] = [ofKind(before, "Service")?.object, ofKind(after, "Service")?.object];
  const [former, next] = [frontsOf(was), frontsOf(is)];
  const isSame = former.size === next.size && [...former].every((text) => next.has(text));
  if (isSame && metaOf(was ?? {}).uid === metaOf(is ?? {}).uid) return [];
  const touched = new Set([...former, ...next]);
  const others = claimants(view).filter(({ service }) => [...frontsOf(service)].some((text) => touched.has(text)));
  const keys = others.flatMap(({ service }) =>
    service === undefined ? [] : [keyOf({ kind: "Service", object: service })],
  );
  return [key, ...keys.filter(({ namespace, name }) => namespace !== key.namespace || name !== key.name)];
}

/** Objects never change: what one says is read once. */
const known = new WeakMap<Service, ReadonlySet<string>>();

function frontsOf(service: Service | undefined): ReadonlySet<string> {
  if (service === undefined) return NONE;
  const found =
    known.get(service) ?? new Set([...externalFronts(service), ...announcedFronts(service)].map(({ text }) => text));
  known.set(service, found);
  return found;
}

const NONE: ReadonlySet<string> = new Set();

/** Every service that has such addresses, first those that go before others. */
function claimants(view: View): readonly Claimant[] {
  return view
    .list("Service")
    .filter(({ object }) => frontsOf(object).size > 0)
    .map(({ object }) => claimantOf(object))
    .sort(compareClaimants);
}

function claimantOf(service: Service): Claimant {
  const { namespace, name } = metaOf(service);
  return { key: `${namespace}/${name}`, service };
}

function reconcile(key: ObjectKey, view: View, { nowMs }: ReconcileContext): Outcome {
  const cached = view.cached("Service", key.namespace, key.name);
  if (cached === undefined || isDeleting(cached.object)) return NOTHING;
  const service = cached.object;
  const status = service.status ?? ServiceStatus.fromPartial({});
  if (frontsOf(service).size === 0 && conditionOf(status.conditions, CONDITION) === undefined) return NOTHING;
  const message = lostText(service, claimants(view));
  const conditions =
    message === ""
      ? withoutCondition(status.conditions, CONDITION)
      : withCondition(status.conditions, { type: CONDITION, status: "False", reason: "AddressTaken", message }, nowMs);
  if (conditions === status.conditions) return NOTHING;
  const writes = [replace(cached, { ...service, status: { ...status, conditions } })];
  if (message === "") return { writes };
  return { writes, notices: [{ about: key, type: "Warning", reason: "AddressTaken", message }] };
}

/** Which of the service's addresses lead to others; empty: none. */
function lostText(service: Service, all: readonly Claimant[]): string {
  const own = claimantOf(service);
  const before = all.filter((each) => compareClaimants(each, own) < 0);
  const lost = [...frontsOf(service)].flatMap((text) => {
    const holder = before.find((each) => frontsOf(each.service).has(text));
    return holder === undefined ? [] : [{ text, holder }];
  });
  const texts = lost
    .slice(0, NAMED)
    .map(({ text, holder }) => `${text} leads to Service ${holder.key}, ${reasonOf(holder, own)}`);
  return [...texts, ...(lost.length > NAMED ? [`${lost.length - NAMED} more lead to others`] : [])].join("; ");
}

function reasonOf({ service: holder }: Claimant, { service: own }: Claimant): string {
  const isOlder = metaOf(holder ?? {}).creationTimestamp < metaOf(own ?? {}).creationTimestamp;
  return isOlder ? "which is older" : "whose name comes first";
}
