import { parseQuantity } from "../../../lib/quantity.js";
import type { Container } from "../../../proto/gen/tallship/v1/container.js";
import type { LimitRangeItem } from "../../../proto/gen/tallship/v1/limitrange.js";
import type { PersistentVolumeClaim } from "../../../proto/gen/tallship/v1/persistentvolumeclaim.js";
import type { Pod } from "../../../proto/gen/tallship/v1/pod.js";
import { type Amounts, amountOf, podLimits, podRequests } from "../../../scheduler/pod-requests.js";
import type { View } from "../../cache/view.js";
import { quotaQuantity } from "./quota-usage.js";

type Quantities = Readonly<Record<string, string>>;

/** What one object asks for, and of what. */
interface Asked {
  /** In messages: Container, Pod, PersistentVolumeClaim. */
  readonly type: string;
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** The bounds of a namespace for objects of a type. */
export function limitsOf(namespace: string, type: string, view: View): readonly LimitRangeItem[] {
  return view
    .list("LimitRange", namespace)
    .flatMap(({ object }) => object.spec?.limits ?? [])
    .filter((element) => element.type === type);
}

/** The pod with requests and limits where its containers name none; the very pod when nothing is filled. */
export function withLimitDefaults(pod: Pod, elements: readonly LimitRangeItem[]): Pod {
  const { spec } = pod;
  if (spec === undefined || elements.length === 0) return pod;
  const fill = (container: Container): Container => withDefaults(container, elements);
  return {
    ...pod,
    spec: { ...spec, initContainers: spec.initContainers.map(fill), containers: spec.containers.map(fill) },
  };
}

/** How a pod breaks the bounds of its namespace, in Kubernetes' words. */
export function podLimitErrors(pod: Pod, namespace: string, view: View): readonly string[] {
  const ofContainers = limitsOf(namespace, "Container", view);
  const ofPods = limitsOf(namespace, "Pod", view);
  if (ofContainers.length === 0 && ofPods.length === 0) return [];
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
    ({ resources }): Asked => ({
      type: "Container",
      requests: amountsOf(resources?.requests ?? {}),
      limits: amountsOf(resources?.limits ?? {}),
    }),
  );
  const whole: Asked = { type: "Pod", requests: podRequests(pod), limits: podLimits(pod) };
  const found = [
    ...containers.flatMap((asked) => ofContainers.flatMap((element) => boundErrors(asked, element))),
    ...ofPods.flatMap((element) => boundErrors(whole, element)),
  ];
  return [...new Set(found)];
}

/** How a claim breaks the bounds of its namespace. Limits do not count: a claim asks for what it gets. */
export function claimLimitErrors(claim: PersistentVolumeClaim, elements: readonly LimitRangeItem[]): readonly string[] {
  const requests = amountsOf(claim.spec?.resources?.requests ?? {});
  const asked: Asked = { type: "PersistentVolumeClaim", requests, limits: requests };
  return elements.flatMap((element) => boundErrors(asked, { ...element, maxLimitRequestRatio: {} }));
}

function withDefaults(container: Container, elements: readonly LimitRangeItem[]): Container {
  const { requests = {}, limits = {}, claims = [] } = container.resources ?? {};
  // The first range wins, as it does in Kubernetes.
  const last = elements.toReversed();
  const filled = {
    limits: merged(last.map((element) => element.default)),
    requests: merged(last.map(({ defaultRequest }) => defaultRequest)),
  };
  const resources = {
    claims,
    limits: { ...filled.limits, ...limits },
    requests: { ...filled.requests, ...requests },
  };
  return { ...container, resources };
}

function merged(all: readonly Quantities[]): Quantities {
  return Object.fromEntries(all.flatMap((each) => Object.entries(each)));
}

function amountsOf(quantities: Quantities): Amounts {
  return new Map(Object.entries(quantities).map(([name, text]) => [name, amountOf(name, text)]));
}

function boundErrors({ type, requests, limits }: Asked, element: LimitRangeItem): readonly string[] {
  const errors: string[] = [];
  for (const [name, text] of Object.entries(element.min)) {
    const least = amountOf(name, text);
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (request === undefined) errors.push(`minimum ${name} usage per ${type} is ${text}.  No request is specified`);
    else if (request < least)
      errors.push(`minimum ${name} usage per ${type} is ${text}, but request is ${quotaQuantity(name, request)}`);
    else if (limit !== undefined && limit < least)
      errors.push(`minimum ${name} usage per ${type} is ${text}, but limit is ${quotaQuantity(name, limit)}`);
  }
  for (const [name, text] of Object.entries(element.max)) {
    const most = amountOf(name, text);
    const [request, limit] = [requests.get(name), limits.get(name)];
    if (limit === undefined) errors.push(`maximum ${name} usage per ${type} is ${text}.  No limit is specified`);
    else if (limit > most)
      errors.push(`maximum ${name} usage per ${type} is ${text}, but limit is ${quotaQuantity(name, limit)}`);
    else if (request !== undefined && request > most)
      errors.push(`maximum ${name} usage per ${type} is ${text}, but request is ${quotaQuantity(name, request)}`);
  }
  return [...errors, ...ratioErrors({ type, requests, limits }, element)];
}

function ratioErrors({ type, requests, limits }: Asked, { maxLimitRequestRatio }: LimitRangeItem): readonly string[] {
  return Object.entries(maxLimitRequestRatio).flatMap(([name, text]) => {
    const [request = 0, limit = 0] = [requests.get(name), limits.get(name)];
    const head = `${name} max limit to request ratio per ${type} is ${text}`;
    if (request === 0) return [`${head}, but no request is specified or request is 0`];
    if (limit === 0) return [`${head}, but no limit is specified or limit is 0`];
    const ratio = limit / request;
    return ratio > (parseQuantity(text) ?? 1) ? [`${head}, but provided ratio is ${ratio.toFixed(6)}`] : [];
  });
}
