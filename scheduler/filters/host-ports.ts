import type { Filter, Refusal } from "../filter.js";
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
    return {
      staticKey: undefined,
      onlyTightens: true,
      sift: (fits, from, to) => {
        for (let slot = from; slot < to; slot += 1)
          if (snapshot.records[slot]?.ports.size !== 0 && why(slot).length > 0) fits[slot] = 0;
      },
      why,
    };
  },
};

function isTaken(record: NodeRecord | undefined, { port, hostIP }: WantedPort): boolean {
  const held = record?.ports.get(port);
  if (held === undefined) return false;
  return hostIP === everyAddress || held.has(hostIP) || held.has(everyAddress);
}
