import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Channel, Dialer, Handlers } from "../../lib/transport/service.js";
import { NetworkRequest, type NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import type { LeaderRecord } from "../../proto/gen/tallship/v1/record.js";
import {
  type FindHoldersRequest,
  FindHoldersResponse,
  ReplicasDefinition,
  type RequestStreamRequest,
  RequestStreamResponse,
  UsageRequest,
  type UsageResponse,
} from "../../proto/gen/tallship/v1/session.js";
import type { SessionHub } from "./session-hub.js";

/** What the leader is asked, where it is. */
export type LeaderDesk = Pick<SessionHub, "requestStream" | "holdersOf" | "usageNow" | "networkNow">;

/** What it takes to ask the leader. */
export interface LeaderClientDeps {
  /** Name of this replica. */
  readonly ownId: string;
  /** Who leads, as far as this replica knows. */
  readonly leader: () => LeaderRecord | undefined;
  readonly hub: LeaderDesk;
  readonly dialer: Dialer;
}

/** Asks the leader to have a node open a stream, or what is used: in this process when this replica leads, else over one connection to whoever does. */
export class LeaderClient {
  private readonly deps: LeaderClientDeps;
  private channel: Channel | undefined;

  constructor(deps: LeaderClientDeps) {
    this.deps = deps;
  }

  async requestStream(request: RequestStreamRequest, signal: AbortSignal): Promise<void> {
    const leader = this.leader();
    if (leader.id === this.deps.ownId) return requestOnHub(this.deps.hub, request, signal);
    const options = { signal, deadlineMs: limit("streamOpenMs") };
    await this.channelTo(leader.address).client(ReplicasDefinition).requestStream(request, options);
  }

  /** Which nodes have a session, and how much they hold of some content. */
  async findHolders(request: FindHoldersRequest, signal: AbortSignal): Promise<FindHoldersResponse> {
    const leader = this.leader();
    if (leader.id === this.deps.ownId) return holdersOnHub(this.deps.hub, request);
    const options = { signal, deadlineMs: limit("rpcDeadlineMs") };
    return this.channelTo(leader.address).client(ReplicasDefinition).findHolders(request, options);
  }

  /** What hosts and pods use now. */
  async usage(signal: AbortSignal): Promise<UsageResponse> {
    const leader = this.leader();
    if (leader.id === this.deps.ownId) return this.deps.hub.usageNow(signal);
    return this.channelTo(leader.address).client(ReplicasDefinition).usage(UsageRequest.fromPartial({}), { signal });
  }

  /** What nodes have measured of their network. */
  async network(signal: AbortSignal): Promise<NetworkResponse> {
    const leader = this.leader();
    if (leader.id === this.deps.ownId) return this.deps.hub.networkNow();
    return this.channelTo(leader.address)
      .client(ReplicasDefinition)
      .network(NetworkRequest.fromPartial({}), { signal });
  }

  private leader(): LeaderRecord {
    const leader = this.deps.leader();
    if (leader === undefined) throw new TallshipError("unavailable", "no control plane leads at the moment; try again");
    return leader;
  }

  close(): void {
    this.channel?.close();
    this.channel = undefined;
  }

  private channelTo(address: string): Channel {
    const known = this.channel;
    if (known?.address === address) return known;
    known?.close();
    const channel = this.deps.dialer.dial(address);
    this.channel = channel;
    return channel;
  }
}

/** What replicas ask of the leader. The call stays open until the asking replica has its stream. */
export function replicasService(hub: LeaderDesk): Handlers<typeof ReplicasDefinition> {
  return {
    requestStream: async (request, { signal }) => {
      await requestOnHub(hub, request, signal);
      return RequestStreamResponse.fromPartial({});
    },
    findHolders: async (request) => holdersOnHub(hub, request),
    usage: (_request, { signal }) => hub.usageNow(signal),
    network: async () => hub.networkNow(),
  };
}

function holdersOnHub(hub: Pick<SessionHub, "holdersOf">, { digests }: FindHoldersRequest): FindHoldersResponse {
  return FindHoldersResponse.fromPartial({ nodes: hub.holdersOf(digests) });
}

async function requestOnHub(
  hub: LeaderDesk,
  { nodeName, open }: RequestStreamRequest,
  signal: AbortSignal,
): Promise<void> {
  if (open === undefined) throw new TallshipError("invalid_argument", "request stream: want what the node is asked");
  return hub.requestStream(nodeName, open, signal);
}
