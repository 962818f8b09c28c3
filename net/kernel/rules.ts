/** The maps and sets of the proxy's table, with the types of their elements. */
export const RULE_MAPS = [
  "services",
  "service-endpoints",
  "node-ports",
  "node-port-endpoints",
  "host-ports",
  "host-ports-any",
  "hairpins",
] as const;

/** Name of a map or set of the proxy's table. */
export type RuleMap = (typeof RULE_MAPS)[number];

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

/** What the rules around the maps depend on. Fixed while the process runs. */
export interface RuleFrame {
  readonly overlayDevice: string;
  readonly vxlanPort: number;
  readonly gateway: string;
  readonly clusterCIDR: string;
  readonly serviceCIDR: string;
  readonly dnsAddress: string;
}
