import { setMaxListeners } from "node:events";
import type { Clock } from "../lib/clock.js";
import { hasCode } from "../lib/errors.js";
import type { Log } from "../lib/log.js";
import type { Rng } from "../lib/rng.js";
import type { ClusterConfig } from "../proto/gen/tallship/v1/session.js";
import { keepContentsSwept } from "./api/apply/sweep.js";
import type { WatchCache } from "./cache/view.js";
import { caughtUp } from "./caught-up.js";
import { controllers } from "./controllers/index.js";
import { Runner } from "./controllers/runner.js";
import type { EventSink } from "./events/event-sink.js";
import { leaderPlanner } from "./leader-writer.js";
import type { ControlPlaneMetrics } from "./metrics.js";
import { keepRebalanced } from "./rebalance/keep-rebalanced.js";
import type { NodeHoldings } from "./scheduling/image-holdings.js";
import { SchedulingLoop } from "./scheduling/scheduling-loop.js";
import type { NodeReports } from "./sessions/node-reports.js";
import type { SessionHub } from "./sessions/session-hub.js";
import type { UsageSource } from "./sessions/usage-source.js";
import type { Leadership } from "./store/election.js";
import type { Sealer } from "./store/seal.js";
import type { Store } from "./store/store.js";

/** What a replica needs to lead. */
export interface LeadingParts {
  /** The replica's name, which is that of its host. */
  readonly ownName: string;
  readonly store: Store;
  readonly cache: WatchCache;
  readonly reports: NodeReports;
  readonly usage: UsageSource;
  readonly sessions: Pick<SessionHub, "tellPolicies">;
  /** What connected nodes hold. */
  readonly holdings?: NodeHoldings;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  readonly metrics: ControlPlaneMetrics;
  readonly cluster: Pick<ClusterConfig, "podCIDR" | "nodePrefixLength" | "serviceCIDR" | "dnsAddress"> &
    Partial<Pick<ClusterConfig, "podCIDRIPv6" | "serviceCIDRIPv6">>;
  readonly sealer: Pick<Sealer, "digest">;
}

/**
 * Runs controllers and scheduler while this replica leads: from the moment its cache has passed the election's revision until
 * `leadership.lost` aborts. Resolves then; nothing runs after that, and what is still on its way to the store fails by the guard.
 */
export async function lead(parts: LeadingParts, leadership: Leadership): Promise<void> {
  const { clock, log, metrics } = parts;
  const { lost, guard } = leadership;
  // Each write under way waits for the cache, and gives up with the leadership: far more than the ten listeners that Node takes for a leak.
  setMaxListeners(0, lost);
  if (!(await hasCaughtUp(parts, leadership))) return;
  const planner = leaderPlanner(parts.store, guard, parts.cache.view);
  const onDeposed = (): void => void leadership.resign();
  const all = controllers({
    reports: parts.reports,
    usage: parts.usage,
    leaderName: parts.ownName,
    leadingSinceMs: clock.monotonicMs(),
    podCIDR: parts.cluster.podCIDR,
    nodePrefixLength: parts.cluster.nodePrefixLength,
    serviceCIDR: parts.cluster.serviceCIDR,
    dnsAddress: parts.cluster.dnsAddress,
    podCIDRIPv6: parts.cluster.podCIDRIPv6 ?? "",
    serviceCIDRIPv6: parts.cluster.serviceCIDRIPv6 ?? "",
    digest: (bytes) => parts.sealer.digest(bytes),
  });
  new Runner(all, { ...parts, planner, onDeposed }, lost).start();
  new SchedulingLoop({ ...parts, planner, onDeposed }, lost).start();
  parts.sessions.tellPolicies(lost);
  void keepContentsSwept(parts, lost);
  void keepRebalanced({ ...parts, planner }, lost);
  metrics.leaderIsLeading.set(1);
  log.info("leading", { revision: guard.createRevision });
  await aborted(lost);
  metrics.leaderIsLeading.set(0);
  log.info("leading no longer", { revision: guard.createRevision });
}

async function hasCaughtUp({ cache, log }: LeadingParts, { guard, lost }: Leadership): Promise<boolean> {
  try {
    await caughtUp(cache, guard.createRevision, lost, log);
  } catch (error) {
    if (!hasCode(error, "cancelled")) throw error;
  }
  return !lost.aborted;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
