import type { EndpointSlice } from "../../proto/gen/tallship/v1/endpointslice.js";
import { type Column, NONE, orNone } from "./column.js";

/** Addresses shown before the rest is counted. */
const SHOWN = 3;

/** Family, ports and the first addresses. */
export const endpointSliceColumns: readonly Column<EndpointSlice>[] = [
  { name: "ADDRESSTYPE", cell: ({ addressType }) => orNone(addressType) },
  { name: "PORTS", cell: ({ ports }) => some(ports.map(({ port }) => String(port))) },
  { name: "ENDPOINTS", cell: ({ endpoints }) => some(endpoints.flatMap(({ addresses }) => addresses)) },
];

function some(texts: readonly string[]): string {
  if (texts.length === 0) return NONE;
  const rest = texts.length - SHOWN;
  return rest > 0 ? `${texts.slice(0, SHOWN).join(",")} + ${rest} more...` : texts.join(",");
}
