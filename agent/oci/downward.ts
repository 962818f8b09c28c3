import { TallshipError } from "../../lib/errors.js";
import { parseQuantity } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ResourceFieldSelector } from "../../proto/gen/tallship/v1/volume.js";

/** What a pod learns of itself beside its object. */
export interface PodPlace {
  /** At most one of each family, IPv4 first. */
  readonly podIPs: readonly string[];
  readonly hostIPs: readonly string[];
  /** What pods may use of the node: stands in for a limit that is not set. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a field path such as metadata.labels['app']; refuses paths that are not known. */
export function fieldValue(path: string, pod: Pod, place: PodPlace): string {
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === "labels" ? pod.metadata?.labels : pod.metadata?.annotations;
    return map?.[keyed[2] ?? ""] ?? "";
  }
  const value = FIELDS[path]?.(pod, place);
  if (value === undefined)
    throw new TallshipError("not_supported", `field path ${path}: no such field can be passed on`);
  return value;
}

const FIELDS: Readonly<Record<string, (pod: Pod, place: PodPlace) => string>> = {
  "metadata.name": (pod) => pod.metadata?.name ?? "",
  "metadata.namespace": (pod) => pod.metadata?.namespace ?? "",
  "metadata.uid": (pod) => pod.metadata?.uid ?? "",
  "metadata.labels": (pod) => mapText(pod.metadata?.labels ?? {}),
  "metadata.annotations": (pod) => mapText(pod.metadata?.annotations ?? {}),
  "spec.nodeName": (pod) => pod.spec?.nodeName ?? "",
  "spec.serviceAccountName": (pod) => pod.spec?.serviceAccountName || "default",
  "status.podIP": (_, place) => place.podIPs[0] ?? "",
  "status.podIPs": (_, place) => place.podIPs.join(),
  "status.hostIP": (_, place) => place.hostIPs[0] ?? "",
  "status.hostIPs": (_, place) => place.hostIPs.join(),
};

function mapText(map: Readonly<Record<string, string>>): string {
  const keys = Object.keys(map).sort();
  return keys.map((key) => `${key}=${JSON.stringify(map[key])}`).join("\n");
}

/** A request or limit of a container in units of the divisor, rounded up. A limit that is not set is what the node can give. */
export function resourceValue(selector: ResourceFieldSelector, container: Container, place: PodPlace): string {
  const [kind, resource = ""] = selector.resource.split(/\.(.*)/);
  const resources = container.resources;
  const limit = resources?.limits[resource];
  const found = kind === "limits" ? limit : (resources?.requests[resource] ?? limit);
  if ((kind !== "limits" && kind !== "requests") || resource === "")
    throw new TallshipError("not_supported", `resource field ${selector.resource}: want limits.NAME or requests.NAME`);
  const amount = parseQuantity(found ?? (kind === "limits" ? place.allocatable[resource] : undefined) ?? "0") ?? 0;
  const divisor = parseQuantity(selector.divisor || "1") ?? 1;
  return `${Math.ceil(Number((amount / (divisor === 0 ? 1 : divisor)).toPrecision(12)))}`;
}
