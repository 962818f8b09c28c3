import { COMMIT, VERSION } from "../../lib/build-info.js";
import { rfc3339 } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { formatJoinToken } from "../../lib/pki/join-token.js";
import { readCertificate } from "../../lib/pki/read.js";
import type { CallContext, Handlers } from "../../lib/transport/service.js";
import {
  type ClusterDefinition,
  type CreateTokenRequest,
  CreateTokenResponse,
  InfoResponse,
  ListTokensResponse,
  RevokeTokenResponse,
} from "../../proto/gen/tallship/v1/api.js";
import { createToken, listTokens, revokeToken, TOKEN_ROLES, type TokenDeps, type TokenTerms } from "./tokens.js";

/** What the Cluster service needs. */
export interface ClusterDeps extends TokenDeps {
  readonly log: Log;
  readonly clusterEpoch: string;
  /** The authority's certificate, PEM; tokens carry its pin. */
  readonly caPem: string;
  /** API address of the leader; empty while there is none. */
  readonly leaderAddress: () => string;
  /** API addresses of the control planes that live. */
  readonly controlPlaneAddresses: () => Promise<readonly string[]>;
  /** Addresses of their join listeners. */
  readonly joinAddresses: () => Promise<readonly string[]>;
}

/** Answers what concerns the whole cluster, and manages join tokens. */
export function clusterService(deps: ClusterDeps): Handlers<typeof ClusterDefinition> {
  return {
    info: async () =>
      InfoResponse.fromPartial({
        version: VERSION,
        commit: COMMIT,
        clusterEpoch: deps.clusterEpoch,
        leaderAddress: deps.leaderAddress(),
        controlPlaneAddresses: await deps.controlPlaneAddresses(),
      }),
    createToken: (request, context) => create(deps, request, context),
    listTokens: async () => {
      const tokens = (await listTokens(deps)).map(({ id, role, usesLeft, expiresAtMs, createdAtMs }) => ({
        id,
        role,
        usesLeft,
        expiresAt: rfc3339(expiresAtMs),
        createdAt: rfc3339(createdAtMs),
      }));
      return ListTokensResponse.fromPartial({ tokens });
    },
    revokeToken: async ({ id }, { identity }) => {
      await revokeToken(deps, id);
      deps.log.info("token revoked", { id, by: identity.name });
      return RevokeTokenResponse.fromPartial({});
    },
  };
}

async function create(
  deps: ClusterDeps,
  request: CreateTokenRequest,
  { identity }: CallContext,
): Promise<CreateTokenResponse> {
  const terms = readTerms(request);
  const { id, secret } = await createToken(deps, terms);
  deps.log.info("token created", { id, role: terms.role, ttlMs: terms.ttlMs, uses: terms.uses, by: identity.name });
  const { pin } = readCertificate(deps.caPem);
  const token = formatJoinToken({ pin, id, secret, addresses: await deps.joinAddresses() });
  return CreateTokenResponse.fromPartial({ token, id });
}

/** Zero stands for the default: one hour, any number of uses. */
function readTerms({ role: wanted, ttlSeconds, uses }: CreateTokenRequest): TokenTerms {
  const role = TOKEN_ROLES.find((known) => known === (wanted || "worker"));
  if (role === undefined)
    throw new TallshipError("invalid_argument", `create token: role "${wanted}", want ${TOKEN_ROLES.join(", ")}`);
  const ttlMs = ttlSeconds * 1_000 || limit("tokenTtlMs");
  if (ttlMs < 0 || ttlMs > limit("tokenTtlMaxMs"))
    throw new TallshipError(
      "invalid_argument",
      `create token: ${ttlSeconds} seconds, want 1 to ${limit("tokenTtlMaxMs") / 1_000}`,
    );
  if (uses < 0) throw new TallshipError("invalid_argument", `create token: ${uses} uses, want 0 (any number) or more`);
  if (role === "control-plane" && uses > 1)
    throw new TallshipError("invalid_argument", `create token: a control-plane token is good for one use, not ${uses}`);
  return { role, ttlMs, uses: uses === 0 ? -1 : uses };
}
