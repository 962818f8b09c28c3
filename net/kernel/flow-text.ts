import type { FlowFilter } from "./kernel.js";

/** One `conntrack -D` for a filter. */
export function forgetLine(flow: FlowFilter): string {
  const words = [
    `conntrack -D -p ${flow.protocol}`,
    flow.sentTo === undefined ? "" : `--orig-dst ${flow.sentTo}`,
    flow.sentToPort === undefined ? "" : `--orig-port-dst ${flow.sentToPort}`,
    flow.endpoint === undefined ? "" : `--reply-src ${flow.endpoint}`,
    flow.endpointPort === undefined ? "" : `--reply-port-src ${flow.endpointPort}`,
  ];
  return words.filter((word) => word !== "").join(" ");
}

/** What a filter looks for in a line of `conntrack -L`: each deletion reads the whole table, so those that match nothing are left out. */
export function traceOf(flow: FlowFilter): string {
  if (flow.endpoint !== undefined) return `src=${flow.endpoint} `;
  if (flow.sentTo !== undefined) return `dst=${flow.sentTo} `;
  return `dport=${flow.sentToPort ?? 0} `;
}
