// Edge: other nodes over mTLS.
import type { IncomingMessage } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import type { Clock } from "../../../lib/clock.js";
import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";
import type { CredentialSource } from "../../../lib/transport/credentials.js";
import { identityOfSubject } from "../../../lib/transport/peer-identity.js";
import { contextOptions } from "../../../lib/transport/tls-listener.js";
import type { Peer, Peers, RangeRequest } from "./peers.js";

/** Where a node serves content, before the digest. */
export const CONTENT_PATH = "/content/";

/** Idle connections kept to one node. */
const IDLE_CONNECTIONS = 4;

/** Other nodes at their node ports: each must show the certificate of the node that it is taken for. */
export function httpsPeers(credentials: CredentialSource, clock: Clock): Peers {
  const agents = new Map<string, Agent>();
  const drop = (): void => {
    for (const agent of agents.values()) agent.destroy();
    agents.clear();
  };
  const stop = credentials.onChange(drop);
  const agentFor = ({ name, address }: Peer): Agent => {
    const key = `${name} ${address}`;
    const known = agents.get(key);
    if (known !== undefined) return known;
    const { ca, cert, key: privateKey, minVersion, maxVersion } = contextOptions(credentials.current());
    const agent = new Agent({
      ...{ ca, cert, key: privateKey, minVersion, maxVersion },
      keepAlive: true,
      maxFreeSockets: IDLE_CONNECTIONS,
      servername: "tallship",
      checkServerIdentity: (_host, certificate) => {
        const identity = identityOfSubject(certificate.subject);
        if (identity?.role === "node" && identity.name === name) return undefined;
        return new Error(`${address} is ${identity?.role} ${identity?.name}, not node ${name}`);
      },
    });
    agents.set(key, agent);
    return agent;
  };
  return {
    read: (peer, request) => read({ peer, request, agent: agentFor(peer), clock }),
    close: () => {
      stop();
      drop();
    },
  };
}

interface Exchange {
  readonly peer: Peer;
  readonly request: RangeRequest;
  readonly agent: Agent;
  readonly clock: Clock;
}

async function* read(exchange: Exchange): AsyncGenerator<Uint8Array> {
  const { request, clock } = exchange;
  const answer = await send(exchange);
  const wanted = request.range === undefined ? 200 : 206;
  if (answer.statusCode !== wanted) {
    answer.resume();
    throw failed(exchange, new Error(`status ${answer.statusCode}`));
  }
  let cancel = (): void => undefined;
  const restart = (): void => {
    cancel();
    cancel = clock.after(limit("fabricStallMs"), () => answer.destroy(new Error("it stopped sending")));
  };
  try {
    restart();
    for await (const bytes of answer) {
      restart();
      yield bytes;
    }
  } catch (error) {
    throw failed(exchange, error);
  } finally {
    cancel();
    answer.destroy();
  }
}

function send(exchange: Exchange): Promise<IncomingMessage> {
  const { peer, request, agent, clock } = exchange;
  const { digest, range, signal } = request;
  const headers: Record<string, string> = range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(`https://${peer.address}${CONTENT_PATH}${digest}`, { agent, headers, signal });
    const cancel = clock.after(limit("fabricStallMs"), () => sent.destroy(new Error("no answer")));
    sent.on("response", (answer) => {
      cancel();
      resolve(answer);
    });
    sent.on("error", (error) => {
      cancel();
      reject(failed(exchange, error));
    });
    sent.end();
  });
}

function failed({ peer, request }: Exchange, error: unknown): TallshipError {
  if (error instanceof TallshipError) return error;
  if (request.signal.aborted) return new TallshipError("cancelled", `fetching from node ${peer.name} was cancelled`);
  const why = error instanceof Error ? error.message : String(error);
  return new TallshipError(
    "image_pull_failed",
    `fetch ${request.digest} from node ${peer.name} at ${peer.address}: ${why}`,
    { cause: error },
  );
}
