import { everyContainer } from "../../kinds/pod-containers.js";
import { SYSTEM_PRIORITIES } from "../../kinds/priority.js";
import { quantityBytes } from "../../lib/quantity.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Shortage } from "./judge.js";
import { amountText, SIGNALS, type StarvedResource } from "./thresholds.js";

/** A pod that runs, and what it has of the resource that runs out. */
export interface PodShare {
  readonly uid: string;
  readonly pod: Pod;
  /** All of it. */
  readonly used: number;
  /** By container, as far as that is known. */
  readonly byContainer: ReadonlyMap<string, number>;
}

/** From this priority on the cluster cannot do without a pod: it is never evicted, as in Kubernetes. */
const CRITICAL = Math.min(...SYSTEM_PRIORITIES.map(({ value }) => value));

/** True for a pod that stays whatever the node lacks. */
export function isCritical({ metadata, spec }: Pod): boolean {
  const isStatic = metadata?.annotations["kubernetes.io/config.source"] === "file";
  return isStatic || (spec?.priority ?? 0) >= CRITICAL;
}

/**
 * The pods that may pay for a shortage, who goes first ahead: those that use more than they requested, then the least priority, then who is
 * furthest over its request. Process ids have no requests: priority and number decide. As in Kubernetes; names decide between equals. Pure.
 */
export function rank(shares: readonly PodShare[], resource: StarvedResource): readonly PodShare[] {
  const keys = shares
    .filter(({ pod }) => !isCritical(pod))
    .map((share) => {
      const over = share.used - requested(share.pod, resource);
      const exceeds = resource !== "pids" && over > 0;
      return { share, key: [exceeds ? 0 : 1, share.pod.spec?.priority ?? 0, -over] };
    });
  return keys.sort((left, right) => compare(left, right)).map(({ share }) => share);
}

interface Ranked {
  readonly share: PodShare;
  readonly key: readonly number[];
}

function compare(left: Ranked, right: Ranked): number {
  const at = left.key.findIndex((value, index) => value !== right.key[index]);
  if (at >= 0) return (left.key[at] ?? 0) - (right.key[at] ?? 0);
  return nameOf(left.share) < nameOf(right.share) ? -1 : 1;
}

function nameOf({ pod, uid }: PodShare): string {
  return `${pod.metadata?.namespace}/${pod.metadata?.name}/${uid}`;
}

/** What a pod asked for of a resource: nothing of what cannot be asked for. */
function requested(pod: Pod, resource: StarvedResource): number {
  return (pod.spec?.containers ?? []).reduce((sum, container) => sum + requestOf(container, resource), 0);
}

function requestOf({ resources }: Container, resource: StarvedResource): number {
  const text = resources?.requests[resource] ?? resources?.limits[resource];
  return text === undefined ? 0 : quantityBytes(text);
}

/** Why a pod was chosen, in the words of Kubernetes. */
export function evictionMessage({ pod, byContainer }: PodShare, { threshold, stock }: Shortage): string {
  const { resource } = SIGNALS[threshold.signal];
  const least = amountText(resource, threshold.least.of(stock.capacity));
  const culprits = everyContainer(pod).flatMap((container) => {
    const used = byContainer.get(container.name);
    const request = requestOf(container, resource);
    if (used === undefined || used <= request) return [];
    return [
      `Container ${container.name} was using ${amountText(resource, used)}, request is ${amountText(resource, request)}, has larger consumption of ${resource}. `,
    ];
  });
  const low = `The node was low on resource: ${resource}. Threshold quantity: ${least}, available: ${amountText(resource, stock.available)}. `;
  return [low, ...culprits].join("");
}
