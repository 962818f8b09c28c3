import type { Ingress, IngressClass } from "../proto/gen/tallship/v1/ingress.js";
import type { Node } from "../proto/gen/tallship/v1/node.js";
import { metaOf } from "./object.js";

/** Controller of the ingress classes that Tallship serves. */
export const INGRESS_CONTROLLER = "tallship.dev/ingress";

/** Node condition: the node's entry for HTTP is open, or why not. */
export const INGRESS_CONDITION = "IngressReady";

/** Label of nodes: "true" makes the entry the business of such nodes alone, "false" takes a node out. */
export const INGRESS_NODE_LABEL = "tallship.dev/ingress";

const DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class";
const OLD_CLASS = "kubernetes.io/ingress.class";

/**
 * Whether Tallship serves the ingress: its class is Tallship's, or there is no such class, so that a file written for another controller works as it
 * is. An ingress without a class belongs to the default class; without one of those, to Tallship.
 */
export function isServedHere(ingress: Ingress, classes: Iterable<IngressClass>): boolean {
  const named = ingress.spec?.ingressClassName ?? metaOf(ingress).annotations[OLD_CLASS] ?? "";
  let fallback: IngressClass | undefined;
  for (const one of classes) {
    if (named !== "" && metaOf(one).name === named) return isOurs(one);
    if (metaOf(one).annotations[DEFAULT_CLASS] === "true") fallback = one;
  }
  return named !== "" || fallback === undefined || isOurs(fallback);
}

function isOurs({ spec }: IngressClass): boolean {
  return spec?.controller === INGRESS_CONTROLLER;
}

/** Whether the node takes part in serving ingresses: chosen nodes when there are any, else every one that was not taken out. */
export function isIngressNode(name: string, nodes: Iterable<Node>): boolean {
  let own = "";
  let areChosen = false;
  for (const node of nodes) {
    const label = metaOf(node).labels[INGRESS_NODE_LABEL] ?? "";
    if (label === "true") areChosen = true;
    if (metaOf(node).name === name) own = label;
  }
  return areChosen ? own === "true" : own !== "false";
}

/** The Secrets with certificates that an ingress names, each once. */
export function secretsOfIngress({ spec }: Ingress): readonly string[] {
  return [...new Set((spec?.tls ?? []).map(({ secretName }) => secretName).filter((name) => name !== ""))];
}
