import { AsyncQueue } from "../../lib/async-queue.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { UsageChunk, type UsageRequest } from "../../proto/gen/tallship/v1/streams.js";
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
  request: UsageRequest,
  signal: AbortSignal,
): AsyncGenerator<UsageChunk> {
  const nodes = nodesOf(view, request);
  const over = new AbortController();
  const stop = (): void => over.abort();
  signal.addEventListener("abort", stop, { once: true });
  const merged = new AsyncQueue<UsageChunk>(CHUNKS_AHEAD);
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
function nodesOf(view: View, { namespace, pods, node }: UsageRequest): readonly string[] {
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
  to: { readonly request: UsageRequest; readonly signal: AbortSignal; readonly merged: AsyncQueue<UsageChunk> },
): Promise<void> {
  const { request, signal, merged } = to;
  try {
    const stream = await broker.open({ nodeName, podUID: "", what: { $case: "usage", value: request } }, signal);
    const stop = closeOnAbort(stream, signal);
    await passOn(stream, merged).finally(stop);
  } catch (error) {
    if (!signal.aborted)
      merged.push(UsageChunk.fromPartial({ node: nodeName, failure: asTallshipError(error).message }));
  }
}

async function passOn(stream: CarriedStream, merged: AsyncQueue<UsageChunk>): Promise<void> {
  for (let part = await stream.read(); part !== undefined; part = await stream.read())
    if (part.$case === "usage") merged.push(part.value);
}
