import type { Node } from "../proto/gen/tallship/v1/node.js";
import type { Shape } from "./shape.js";

/** A node as the snapshot knows it. */
export interface NodeRecord {
  readonly name: string;
  /** Absent while only pods are known that name the node. */
  node: Node | undefined;
  /** Its place in the columns, which are in order of name; −1 while it has none. */
  slot: number;
  /** Shapes of the pods that are bound here or assumed to be, by pod. */
  readonly pods: Map<string, Shape>;
  /** Host ports in use: port, then address, then count. */
  readonly ports: Map<string, Map<string, number>>;
}
