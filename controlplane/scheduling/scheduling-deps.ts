import type { Clock } from "../../lib/clock.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { WatchCache } from "../cache/view.js";
import type { EventSink } from "../events/event-sink.js";
import type { Planner } from "../leader-writer.js";
import type { ControlPlaneMetrics } from "../metrics.js";
import type { NodeHoldings } from "./image-holdings.js";

/** What the scheduling loop needs. */
export interface SchedulingDeps {
  readonly cache: WatchCache;
  readonly planner: Planner;
  readonly events: EventSink;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** What connected nodes hold; absent: nobody knows. */
  readonly holdings?: NodeHoldings;
  readonly metrics: ControlPlaneMetrics;
  /** Called when a write shows that another replica leads, or when this one cannot keep up: leadership is to be given up. */
  readonly onDeposed: () => void;
}
