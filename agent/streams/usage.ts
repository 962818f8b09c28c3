import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import { RunStats, StatsChunk, type StatsRequest } from "../../proto/gen/tallship/v1/streams.js";
import type { HostFacts, HostUsage } from "../host/host-facts.js";
import type { PodLoop } from "../pod-loop.js";
import type { NetworkBytes } from "../pod-network-bytes.js";
import type { Runtime } from "../runtime/runtime.js";

/** What telling of use needs. */
export interface UsageParts {
  readonly loop: PodLoop;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly facts: Pick<HostFacts, "nodeName" | "cpuMillicores" | "memoryBytes">;
  /** A reader of the host's use of its own: what it tells is since its last reading. */
  readonly hostUsage: (clock: Clock) => HostUsage;
  readonly networkBytes: (pid: number) => NetworkBytes;
}

/** What the node's containers use, at once and then again and again until the signal aborts. Read only while somebody listens. */
export async function* usage(
  parts: UsageParts,
  request: StatsRequest,
  signal: AbortSignal,
): AsyncGenerator<StatsChunk> {
  const { clock, facts } = parts;
  const everyMs = Math.max(limit("usageStreamMs"), request.everyMs);
  const host = parts.hostUsage(clock);
  while (!signal.aborted) {
    const used = host.read();
    yield StatsChunk.fromPartial({
      node: facts.nodeName,
      runs: await readRuns(parts, request),
      readAtMs: clock.nowMs(),
      cpuCount: Math.round(facts.cpuMillicores / 1000),
      memoryBytes: facts.memoryBytes,
      usedMemoryBytes: used?.memoryBytes ?? 0,
      usedCpuMillicores: used?.cpuMillicores ?? 0,
    });
    await clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

async function readRuns({ loop, runtime, networkBytes }: UsageParts, request: StatsRequest): Promise<RunStats[]> {
  const wanted = new Set(request.pods);
  const runs: RunStats[] = [];
  for (const { record, desired } of loop.list()) {
    const { uid, namespace, name: pod } = record;
    if (request.namespace !== "" && namespace !== request.namespace) continue;
    if (wanted.size > 0 && !wanted.has(pod)) continue;
    // A pod that goes meanwhile has nothing to say.
    const all = await runtime.stats(uid).catch(() => []);
    const states = all.length === 0 ? [] : (await runtime.list(uid)).map(({ state }) => state);
    const pid = states.flatMap((state) => (state.is === "running" ? [state.pid] : []))[0];
    const isOnHost = desired?.spec?.hostNetwork === true || pid === undefined;
    const { receivedBytes, sentBytes } = isOnHost ? NOTHING : networkBytes(pid);
    for (const { podUid: _, attempt: __, oomCount: ___, ...used } of all)
      runs.push(RunStats.fromPartial({ namespace, pod, ...used, receivedBytes, sentBytes }));
  }
  return runs;
}

const NOTHING: NetworkBytes = { receivedBytes: 0, sentBytes: 0 };
