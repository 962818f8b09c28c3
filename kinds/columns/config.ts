import type { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import type { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import type { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { isDeleting } from "../pod-state.js";
import { type Column, orNone } from "./column.js";

/** Number of keys. */
export const configMapColumns: readonly Column<ConfigMap>[] = [
  { name: "DATA", cell: ({ data, binaryData }) => String(Object.keys(data).length + Object.keys(binaryData).length) },
];

/** Type and number of keys; never a value. */
export const secretColumns: readonly Column<Secret>[] = [
  { name: "TYPE", cell: ({ type }) => orNone(type) },
  { name: "DATA", cell: ({ data }) => String(Object.keys(data).length) },
];

/** Active, or Terminating. */
export const namespaceColumns: readonly Column<Namespace>[] = [
  {
    name: "STATUS",
    cell: (namespace) => (isDeleting(namespace) ? "Terminating" : namespace.status?.phase || "Active"),
  },
];
