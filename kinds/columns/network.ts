import type { Network } from "../../proto/gen/tallship/v1/network.js";
import { subnetsOf } from "../network.js";
import { type Column, orNone } from "./column.js";

/** How a network leads packets, whose addresses it has, who is on it and what it keeps in or out. */
export const networkColumns: readonly Column<Network>[] = [
  { name: "DRIVER", cell: ({ spec }) => orNone(spec?.driver) },
  { name: "SUBNET", cell: ({ spec }) => orNone(spec === undefined ? "" : subnetsOf(spec).join(",")) },
  { name: "INTERNAL", cell: ({ spec }) => String(spec?.internal ?? false) },
  { name: "ENCRYPTED", cell: ({ spec }) => String(spec?.encrypted ?? false) },
  { name: "PODS", cell: ({ status }) => String(status?.pods ?? 0) },
  { name: "VNI", isWide: true, cell: ({ spec }) => orNone(spec?.vni === undefined ? "" : String(spec.vni)) },
  { name: "NODES", isWide: true, cell: ({ status }) => orNone(nodesOf(status?.slices ?? [])) },
];

function nodesOf(slices: readonly { readonly nodeName: string }[]): string {
  return slices.map(({ nodeName }) => nodeName).join(",");
}
