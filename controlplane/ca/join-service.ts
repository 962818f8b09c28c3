import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { RateLimit } from "../../lib/rate-limit.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import {
  type ClusterConfig,
  type ControlPlaneSecrets,
  type JoinDefinition,
  type JoinRequest,
  JoinResponse,
} from "../../proto/gen/tallship/v1/session.js";
import type { View } from "../cache/view.js";
import { type Applicant, type ClusterAuthority, checkApplicant } from "./cluster-authority.js";
import { CERTIFICATE_ROLES, checkToken, redeemToken, type TokenDeps } from "./tokens.js";

/** What the Join service needs. */
export interface JoinDeps extends TokenDeps {
  readonly authority: ClusterAuthority;
  readonly view: View;
  readonly log: Log;
  readonly clock: Clock;
  /** What every host must know, with the control planes as of now. */
  readonly config: () => Promise<ClusterConfig>;
  /** Makes room for another control plane (its etcd member) and tells what only control planes hold. */
  readonly admitControlPlane: (applicant: Applicant) => Promise<ControlPlaneSecrets>;
}

/** Exchanges tokens for certificates. Everything is checked before the token is spent; names that stand for a node already are refused. */
export function joinService(deps: JoinDeps): Handlers<typeof JoinDefinition> {
  const limits = new RateLimit({
    perSecond: limit("joinsPerSecond"),
    burst: limit("joinBurst"),
    maxKeys: limit("joinPeersRemembered"),
  });
  return {
    join: async (request, context) => {
      if (!limits.take(hostOf(context.peer), deps.clock.monotonicMs()))
        throw new TallshipError(
          "resource_exhausted",
          "join: too many attempts from this address; try again in a second",
        );
      return join(deps, request, context);
    },
  };
}

/** The token is checked first, so that nobody learns anything without one, and spent last, so that a mistake costs no use. */
async function join(deps: JoinDeps, request: JoinRequest, { peer }: CallContext): Promise<JoinResponse> {
  const { nodeName: name, addresses, tokenId, secret } = request;
  const role = CERTIFICATE_ROLES[await checkToken(deps, tokenId, secret)];
  const applicant = { name, addresses, role };
  checkApplicant(applicant);
  checkNameIsFree(deps, request, applicant);
  const certificate = deps.authority.sign(request.csr, applicant);
  await redeemToken(deps, tokenId, secret);
  const controlPlane = role === "control-plane" ? await deps.admitControlPlane(applicant) : undefined;
  deps.log.info("host joined", { name, role, token: tokenId, peer });
  return JoinResponse.fromPartial({
    certificate: Buffer.from(certificate),
    ca: Buffer.from(deps.authority.certificatePem),
    config: await deps.config(),
    controlPlane,
    role,
  });
}

/**
 * A certificate for a node's name gives that node's rights: while the node exists nobody gets one but whoever holds its key, and a token. That is how a node comes
 * back that was off for longer than its certificate lasts.
 */
function checkNameIsFree({ view, authority }: JoinDeps, request: JoinRequest, { name, role }: Applicant): void {
  if (role !== "node" && role !== "control-plane") return;
  if (view.get("Node", "", name) === undefined) return;
  if (role === "node" && authority.hasCertified(request.previous, { name, role }, request.csr)) return;
  const remedy = `if that host is gone, run: tsctl delete node ${name}; otherwise give this host another name`;
  throw new TallshipError("already_exists", `join as ${name}: there is a node of that name; ${remedy}`);
}

/** The address without its port: host:port, or [host]:port. */
function hostOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
