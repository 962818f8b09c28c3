import { TallshipError } from "../../lib/errors.js";
import type { Handlers } from "../../lib/transport/service.js";
import { type NodesDefinition, RenewCertificateResponse } from "../../proto/gen/tallship/v1/session.js";
import type { ClusterAuthority } from "../ca/cluster-authority.js";
import type { View } from "../cache/view.js";
import type { SessionHub } from "./session-hub.js";
import type { StreamBroker } from "./stream-broker.js";

/** What the Nodes service needs. */
export interface NodesDeps {
  readonly hub: Pick<SessionHub, "session">;
  readonly broker: Pick<StreamBroker, "carry">;
  readonly authority: ClusterAuthority;
  readonly view: View;
}

/** The nodes' own calls. A node's name is that of its certificate, whatever it sends. */
export function nodesService({ hub, broker, authority, view }: NodesDeps): Handlers<typeof NodesDefinition> {
  return {
    session: (messages, context) => hub.session(messages, context),
    carry: (frames, context) => broker.carry(frames, context),
    renewCertificate: async ({ csr }, { identity }) => {
      const node = view.get("Node", "", identity.name);
      if (node === undefined)
        throw new TallshipError(
          "failed_precondition",
          `renew certificate: node ${identity.name} is not in the cluster any more`,
        );
      const addresses = (node.status?.addresses ?? [])
        .filter(({ type }) => type !== "Hostname")
        .map(({ address }) => address);
      const certificate = authority.sign(csr, { name: identity.name, role: "node", addresses });
      return RenewCertificateResponse.fromPartial({
        certificate: Buffer.from(certificate),
        ca: Buffer.from(authority.certificatePem),
      });
    },
  };
}
