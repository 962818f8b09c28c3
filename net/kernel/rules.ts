import type { Family } from "../family.js";

/** The maps and sets of the proxy's table that Tallship fills, in the order in which they are declared. */
export const RULE_MAPS = [
  "services",
  "service-endpoints",
  "many-service-endpoints",
  "node-ports",
  "node-port-endpoints",
  "many-node-port-endpoints",
  "outside-services",
  "outside-node-ports",
  "guarded-services",
  "sticky-draws",
  "sticky-endpoints",
  "node-sticky-draws",
  "node-sticky-endpoints",
  "load-balancers",
  "foreign-endpoints",
  "closed-ports",
  "host-ports",
  "host-ports-any",
  "hairpins",
] as const;

/** The maps that the kernel fills itself: which endpoint a client was led to. Their keys end in how long they hold. */
export const LEARNED_MAPS = ["affinities", "node-affinities"] as const;

/** Name of a map or set of the proxy's table. */
export type RuleMap = (typeof RULE_MAPS)[number] | (typeof LEARNED_MAPS)[number];

/** An element of a map, in nft's own words: `10.96.0.20 . tcp . 80` → `goto pick-3`. Sets have empty values. */
export interface RuleElement {
  readonly map: RuleMap;
  readonly key: string;
  readonly value: string;
}

/** One change of an element. A value is changed by delete and add in one transaction. */
export interface ElementChange extends RuleElement {
  readonly do: "add" | "delete";
}

/** What the rules around the maps depend on. */
export interface RuleFrame {
  readonly family: Family;
  readonly overlayDevice: string;
  readonly vxlanPort: number;
  readonly gateway: string;
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  readonly dnsAddress: string;
  /** For how many seconds services may let clients keep their endpoint; sorted. Each has chains of its own, so a new one is a new table. */
  readonly affinitySeconds: readonly number[];
}
