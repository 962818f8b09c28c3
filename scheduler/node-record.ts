import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { Tenant } from "./tenant.js";

/** A node as the snapshot knows it. */
export interface NodeRecord {
  readonly name: string;
  /** Absent while only pods are known that name the node. */
  node: Node | undefined;
  /** Its place in the columns, which are in order of name; −1 while it has none. */
  slot: number;
  /** The pods that are bound here, assumed to be, or whose room is kept. */
  readonly pods: Map<string, Tenant>;
  /** Host ports in use: port, then address, then count. */
  readonly ports: Map<string, Map<string, number>>;
}
