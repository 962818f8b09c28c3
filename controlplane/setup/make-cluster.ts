import { readRoutes } from "../../lib/host-routes.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { type InitPlan, initCluster } from "./init.js";

/** initCluster on this machine: with its routes, its clock and its randomness. */
export function makeCluster(plan: Omit<InitPlan, "routes">): Promise<boolean> {
  const edges = { clock: systemClock, rng: systemRng, log: silentLog };
  return initCluster({ ...plan, routes: readRoutes() }, edges);
}
