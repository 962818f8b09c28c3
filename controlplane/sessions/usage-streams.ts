import { AsyncQueue } from "../../lib/async-queue.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { StatsChunk, type StatsRequest } from "../../proto/gen/tallship/v1/streams.js";
import type { View } from "../cache/view.js";
import type { CarriedStream } from "./carried-stream.js";
import { closeOnAbort } from "./close-on-abort.js";
import type { StreamBroker } from "./stream-broker.js";

/** Chunks of all nodes that wait for the operator; the newest are dropped, since others come. */
const CHUNKS_AHEAD = 256;

/**
 * What the containers of all nodes use, as each node tells it, until the operator has heard enough. Nodes are asked on streams of their own and
 * nothing is kept: nobody pays for it while nobody listens. A node that does not answer says why, once.
 */
export async function* gatherUsage(
  { view, broker }: { readonly view: View; readonly broker: StreamBroker },
  request: StatsRequest,
  signal: AbortSignal,
): AsyncGenerator<StatsChunk> {
  const nodes = nodesOf(view, request);
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const merged = new AsyncQueue<StatsChunk>(CHUNKS_AHEAD);
  const all = nodes.map((node) => follow(broker, node, { request, signal: over.signal, merged }));
  void Promise.all(all).then(() => merged.end());
  try {
    yield* merged;
  } finally {
    stop();
    signal.removeEventListener("abort", stop);
  }
}

/** Nodes that run what was asked for. */
function nodesOf(view: View, { namespace, pods, node }: StatsRequest): readonly string[] {
  const wanted = new Set(pods);
  const isAsked = ({
    metadata,
  }: {
    readonly metadata?: { readonly name: string; readonly namespace: string } | undefined;
  }): boolean =>
    (namespace === "" || metadata?.namespace === namespace) && (wanted.size === 0 || wanted.has(metadata?.name ?? ""));
  const all = view.list("Node").map(({ object }) => object.metadata?.name ?? "");
  const named = node === "" ? all : all.filter((name) => name === node);
  const found =
    wanted.size === 0 ? named : named.filter((name) => view.podsOnNode(name).some(({ object }) => isAsked(object)));
  if (found.length > limit("usageStreamNodes"))
    throw new TallshipError(
      "too_large",
      `usage: ${found.length} nodes, at most ${limit("usageStreamNodes")} are asked: name one`,
    );
  return found;
}

async function follow(
  broker: StreamBroker,
  nodeName: string,
  to: { readonly request: StatsRequest; readonly signal: AbortSignal; readonly merged: AsyncQueue<StatsChunk> },
): Promise<void> {
  const { request, signal, merged } = to;
  try {
    const stream = await broker.open({ nodeName, podUID: "", what: { $case: "stats", value: request } }, signal);
    const stop = closeOnAbort(stream, signal);
    await passOn(stream, merged).finally(stop);
  } catch (error) {
    if (!signal.aborted)
      merged.push(StatsChunk.fromPartial({ node: nodeName, failure: asTallshipError(error).message }));
  }
}

async function passOn(stream: CarriedStream, merged: AsyncQueue<StatsChunk>): Promise<void> {
  for (let part = await stream.read(); part !== undefined; part = await stream.read())
    if (part.$case === "stats") merged.push(part.value);
}
