import { isScalar, type Node } from "yaml";
import { parseQuantity } from "../../lib/quantity.js";
import { fieldsOf, type Parsing, wrong } from "../yaml-fields.js";

/** What a file says of a device by annotations of Tallship's; absent: nothing. */
export interface DeviceFacts {
  readonly model?: string;
  /** A quantity. */
  readonly memory?: string;
  readonly numaNode?: number;
  readonly linkGroup?: string;
}

/** Annotations of CDI files that are understood, for all devices of a file or for one; others are left to whom they are for. */
const MODEL = "tallship.dev/model";
const MEMORY = "tallship.dev/memory";
const NUMA_NODE = "tallship.dev/numa-node";
const LINK_GROUP = "tallship.dev/link-group";

/** What annotations say of a device. Throws invalid_argument with file, line and column for what has another form. */
export function factsOf(parsing: Parsing, node: Node | undefined): DeviceFacts {
  if (node === undefined) return {};
  const fields = fieldsOf(parsing, node);
  const text = (name: string, problem: (text: string) => string | undefined = () => undefined): string | undefined => {
    const found = fields.get(name);
    if (found === undefined) return undefined;
    const value = isScalar(found) ? String(found.value) : "";
    const why = value === "" ? "want a text" : problem(value);
    if (why !== undefined) throw wrong(parsing, found, `${name}: ${why}`);
    return value;
  };
  const model = text(MODEL);
  const memory = text(MEMORY, (value) =>
    (parseQuantity(value) ?? 0) > 0 ? undefined : `want a quantity such as 40Gi, found ${JSON.stringify(value)}`,
  );
  const numa = text(NUMA_NODE, (value) =>
    /^\d{1,4}$/.test(value) ? undefined : `want a number, found ${JSON.stringify(value)}`,
  );
  const linkGroup = text(LINK_GROUP);
  return {
    ...(model !== undefined && { model }),
    ...(memory !== undefined && { memory }),
    ...(numa !== undefined && { numaNode: Number(numa) }),
    ...(linkGroup !== undefined && { linkGroup }),
  };
}
