import { type Filter, type Refusal, siftBy } from "../filter.js";
import type { NodeRecord } from "../node-record.js";
import type { WantedPort } from "../shape.js";

const everyAddress = "0.0.0.0";

/** Refuses nodes where another pod holds a host port that this one needs, on the same address or on all. */
export const hostPorts: Filter = {
  name: "host-ports",
  prepare: ({ ports }, snapshot) => {
    if (ports.length === 0) return undefined;
    const why = (slot: number): readonly Refusal[] =>
      ports
        .filter((wanted) => isTaken(snapshot.records[slot], wanted))
        .map(({ port }) => ({ reason: `host port ${port} in use` }));
    const lets = (slot: number): boolean => snapshot.records[slot]?.ports.size === 0 || why(slot).length === 0;
    return {
      onlyTightens: true,
      lets,
      sift: siftBy(lets),
      why,
    };
  },
};

function isTaken(record: NodeRecord | undefined, { port, hostIP }: WantedPort): boolean {
  const held = record?.ports.get(port);
  if (held === undefined) return false;
  return hostIP === everyAddress || held.has(hostIP) || held.has(everyAddress);
}
