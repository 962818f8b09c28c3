import type { Rng } from "../../lib/rng.js";
import type { Sealer } from "../store/seal.js";
import type { ServiceRanges } from "./taken/claim.js";
import type { ClusterRanges } from "./taken/network-claim.js";
import type { TaskContext } from "./tasks/object-task.js";
import type { WatchHub } from "./watch/watch-hub.js";
import type { WriterDeps } from "./write/writer.js";

/** What the Objects service needs. `store` seals secrets (sealedStore); `sealer` names their stored copies. */
export interface ObjectsDeps extends WriterDeps {
  readonly rng: Rng;
  readonly sealer: Sealer;
  readonly ranges: ServiceRanges & ClusterRanges;
  readonly hub: WatchHub;
}

/** What the tasks of one request share: they happen at one moment. */
export function taskContext({ clock, rng, ranges }: ObjectsDeps): TaskContext {
  return { nowMs: clock.nowMs(), rng, ranges };
}
