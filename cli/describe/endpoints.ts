import { type ServiceView, subsetsOf } from "../get/endpoint-subsets.js";
import { headOf } from "./facts.js";
import { Page } from "./page.js";

/** The endpoints of a service, as kubectl describes Endpoints. */
export function describeEndpoints(view: ServiceView, nowMs: number): Page {
  const page = headOf(view.service.metadata, nowMs);
  const subsets = subsetsOf(view);
  if (subsets.length === 0) return page.fact("Subsets", "");
  for (const { ports, ready, notReady } of subsets) {
    const rows = ports.map(({ name, port, protocol }) => [name || "<unset>", String(port), protocol || "TCP"]);
    const addresses = (all: typeof ready): string => all.flatMap((each) => each.addresses[0] ?? []).join(",");
    const subset = new Page()
      .fact("Addresses", addresses(ready))
      .fact("NotReadyAddresses", addresses(notReady))
      .table("Ports", ["Name", "Port", "Protocol"], rows);
    page.section("Subsets", subset);
  }
  return page;
}
