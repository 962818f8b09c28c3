import type { Clock } from "../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { type JoinToken, parseJoinToken } from "../../lib/pki/join-token.js";
import { createKey } from "../../lib/pki/keys.js";
import { createRequest } from "../../lib/pki/request.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { grpcDialer } from "../../lib/transport/grpc-dialer.js";
import { fetchPinnedAuthority } from "../../lib/transport/pinned-authority.js";
import { JoinDefinition, JoinRequest, type JoinResponse } from "../../proto/gen/tallship/v1/session.js";

/** Who wants to join. */
export interface Joiner {
  /** The token's text, TSJ1.…. */
  readonly token: string;
  readonly name: string;
  /** IP addresses the host is reached at. */
  readonly addresses: readonly string[];
  /** A node that is in the cluster already and wants a new certificate for the key it has, PEM both. */
  readonly previous?: { readonly certificatePem: string; readonly keyPem: string };
}

/** What joining gave: the answer, and the key that its certificate is for, which never left this host. */
export interface Joined {
  readonly response: JoinResponse;
  readonly keyPem: string;
}

/**
 * Exchanges a token for a certificate at the first of its addresses that answers. The secret is sent only over a connection whose server was signed by
 * the authority that the token pins. An address that shows another authority ends the attempt: somebody is in between, or the token is of another cluster.
 */
export async function joinCluster(joiner: Joiner, clock: Clock): Promise<Joined> {
  const token = parseJoinToken(joiner.token);
  let lastError: TallshipError | undefined;
  for (const address of token.addresses) {
    try {
      return await joinAt(address, token, joiner, clock);
    } catch (error) {
      lastError = asTallshipError(error);
      if (lastError.code !== "unavailable") throw lastError;
    }
  }
  throw lastError ?? new TallshipError("invalid_argument", "join token holds no address");
}

async function joinAt(address: string, token: JoinToken, joiner: Joiner, clock: Clock): Promise<Joined> {
  const caPem = await fetchPinnedAuthority({ address, pin: token.pin, role: "control-plane" }, clock);
  const credentials = mutableCredentials({ caPem, pair: undefined });
  const channel = grpcDialer({ credentials, serverRole: "control-plane", clock }).dial(address);
  const keyPem = joiner.previous?.keyPem ?? createKey();
  const request = JoinRequest.fromPartial({
    tokenId: token.id,
    secret: token.secret,
    nodeName: joiner.name,
    csr: createRequest(keyPem, joiner.name),
    addresses: joiner.addresses,
    previous: Buffer.from(joiner.previous?.certificatePem ?? ""),
  });
  try {
    return { response: await channel.client(JoinDefinition).join(request, { deadlineMs: limit("joinMs") }), keyPem };
  } finally {
    channel.close();
  }
}
