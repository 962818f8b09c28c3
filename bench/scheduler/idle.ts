import { SchedulingLoop } from "../../controlplane/scheduling/scheduling-loop.js";
import { encodeObject, keyOf, storeKey, type Typed } from "../../kinds/object.js";
import { controlWorld } from "../../test/kit/control-world.js";
import { nodeAt, type Workload } from "./workload.js";

const NODES = 100;
const SECONDS = 60;

/** Percent of a core that the scheduling loop takes while so many pods fit nowhere and nothing changes; over a minute of its clock. */
export async function idlePercent(workload: Workload, count: number): Promise<number> {
  const world = await controlWorld();
  try {
    const nodes = Array.from({ length: NODES }, (_, at): Typed => ({ kind: "Node", object: nodeAt(at) }));
    const pods = Array.from({ length: count }, (_, at): Typed => ({ kind: "Pod", object: workload.pod(at, NODES) }));
    const all = [...nodes, ...pods].map((typed) => ({
      op: "put" as const,
      key: storeKey(keyOf(typed)),
      value: encodeObject(typed),
    }));
    for (let from = 0; from < all.length; from += 100)
      await world.store.transact({ checks: [], writes: all.slice(from, from + 100) });
    new SchedulingLoop(world.deps, world.stop.signal).start();
    await world.converge(20_000);
    const before = process.cpuUsage();
    await world.clock.advance(1_000 * SECONDS);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / (1e4 * SECONDS);
  } finally {
    world.stop.abort();
  }
}
