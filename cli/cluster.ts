import type { ClusterContext } from "../lib/context-file.js";
import { asTallshipError, hasCode, TallshipError } from "../lib/errors.js";
import { LIMITS } from "../lib/limits.js";
import type { Channel, Client } from "../lib/transport/service.js";
import { ClusterDefinition, InfoRequest, ObjectsDefinition } from "../proto/gen/tallship/v1/api.js";
import { ExplainDefinition } from "../proto/gen/tallship/v1/explain.js";
import { ImagesDefinition } from "../proto/gen/tallship/v1/images.js";
import { StreamsDefinition } from "../proto/gen/tallship/v1/streams.js";
import { type ContextFlags, chooseContext } from "./context.js";
import type { Shell } from "./shell.js";

/** A control plane that answers, and what the user's context says of the cluster. */
export interface Cluster {
  readonly context: ClusterContext;
  /** Address of the control plane. */
  readonly address: string;
  /** Namespace of objects that name none. */
  readonly namespace: string;
  /** The namespace was given on the command line. */
  readonly isNamespaceAsked: boolean;
  readonly objects: Client<ObjectsDefinition>;
  readonly cluster: Client<ClusterDefinition>;
  readonly streams: Client<StreamsDefinition>;
  readonly explain: Client<ExplainDefinition>;
  readonly images: Client<ImagesDefinition>;
}

/** The flags that choose a cluster and a namespace. */
export interface ClusterFlags extends ContextFlags {
  readonly namespace?: string | undefined;
  readonly requestTimeout?: number | undefined;
  readonly v?: number | undefined;
}

/** Runs `use` with a cluster. A failure to reach it names every server that was tried and what to do. */
export async function withCluster(
  shell: Shell,
  flags: ClusterFlags,
  use: (cluster: Cluster) => Promise<number>,
): Promise<number> {
  const context = await chooseContext(shell, flags);
  const dialer = await shell.dialer(context);
  const channel = await watched(await reach(context, dialer.dial), shell, flags);
  try {
    return await use(clusterOf(context, channel, flags));
  } catch (error) {
    throw hasCode(error, "unavailable") ? unreachable(context, [asTallshipError(error).message], error) : error;
  } finally {
    channel.close();
  }
}

/** The channel, with what the user asked of its calls. Loaded only when something was. */
async function watched(channel: Channel, shell: Shell, { requestTimeout, v = 0 }: ClusterFlags): Promise<Channel> {
  if (requestTimeout === undefined && v < TELLS_CALLS) return channel;
  const { watchedChannel } = await import("./watched-channel.js");
  return watchedChannel(channel, { shell, timeoutMs: requestTimeout, level: v });
}

/** The level of -v from which calls are told, as with kubectl. */
const TELLS_CALLS = 6;

function clusterOf(context: ClusterContext, channel: Channel, flags: ClusterFlags): Cluster {
  return {
    context,
    address: channel.address,
    namespace: flags.namespace ?? context.namespace ?? "default",
    isNamespaceAsked: flags.namespace !== undefined,
    objects: channel.client(ObjectsDefinition),
    cluster: channel.client(ClusterDefinition),
    streams: channel.client(StreamsDefinition),
    explain: channel.client(ExplainDefinition),
    images: channel.client(ImagesDefinition),
  };
}

/** A channel to a server that answers. With one server nothing is asked: the command's own call will tell. */
async function reach(context: ClusterContext, dial: (address: string) => Channel): Promise<Channel> {
  const [first, ...others] = context.servers;
  if (first !== undefined && others.length === 0) return dial(first);
  const reasons: string[] = [];
  for (const server of context.servers) {
    const channel = dial(server);
    try {
      await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}), { deadlineMs: LIMITS.dialMs.value });
      return channel;
    } catch (error) {
      channel.close();
      if (!hasCode(error, "unavailable") && !hasCode(error, "deadline_exceeded")) throw error;
      reasons.push(asTallshipError(error).message);
    }
  }
  throw unreachable(context, reasons, undefined);
}

function unreachable(context: ClusterContext, reasons: readonly string[], cause: unknown): TallshipError {
  const message = [
    `the control plane of context "${context.name}" cannot be reached`,
    ...reasons.map((reason) => `  ${reason}`),
    "  is tallshipd running there? (tallshipd doctor on the host; tsctl doctor here; --context chooses another cluster)",
  ].join("\n");
  return new TallshipError("unavailable", message, { cause });
}
