import { addressesThere, joinedNetworks, subnetsOf } from "../../kinds/network.js";
import { metaOf } from "../../kinds/object.js";
import { isPodFinished } from "../../kinds/pod-state.js";
import type { Network } from "../../proto/gen/tallship/v1/network.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { conditionsTable, headOf, type Surroundings, withEvents } from "./facts.js";
import type { Page } from "./page.js";

/** A network: its addresses, which node has which of them, and who is on it. */
export function describeNetwork({ metadata, spec, status }: Network, pods: readonly Pod[], around: Surroundings): Page {
  const page = headOf(metadata, around.nowMs);
  page.fact("Driver", spec?.driver ?? "").fact("Subnet", spec === undefined ? "" : subnetsOf(spec).join(", "));
  page.factIf("IP Family Policy", spec?.ipFamilyPolicy);
  page.factIf("VNI", spec?.vni === undefined ? "" : String(spec.vni));
  page.fact("Internal", String(spec?.internal ?? false)).fact("Encrypted", String(spec?.encrypted ?? false));
  conditionsTable(page, status?.conditions ?? [], around.nowMs);
  page.table(
    "Shares",
    ["Node", "Addresses"],
    (status?.slices ?? []).map(({ nodeName, cidr }) => [nodeName, cidr]),
  );
  const name = metadata?.name ?? "";
  const members = pods.filter((pod) => !isPodFinished(pod) && joinedNetworks(pod).includes(name));
  page.table(
    "Pods",
    ["Name", "Interface", "IP", "Node"],
    members.map((pod) => {
      const place = pod.status?.networks.find((each) => each.name === name);
      const addresses = place === undefined ? "" : addressesThere(place).join(", ");
      return [metaOf(pod).name, place?.interface ?? "", addresses, pod.spec?.nodeName ?? ""];
    }),
  );
  return withEvents(page, around);
}
