import type { EndpointAddress } from "../proxy/endpoint-choice.js";

/** Places of a backend's endpoints, by number; an empty one has no address. */
export type ServerSlots = readonly (EndpointAddress | undefined)[];

/** Fewest places of a backend. */
const LEAST = 4;

/**
 * Puts endpoints into places: who has one keeps it, others take free ones. A proxy is started with a number of places and told of addresses while it
 * runs; there are as many as a power of two that leaves one in four free, so that few changes need a restart. They shrink when three in four are free.
 */
export function placeEndpoints(former: ServerSlots, endpoints: readonly EndpointAddress[]): ServerSlots {
  const size = sizeFor(former.length, endpoints.length);
  const wanted = new Map(endpoints.map((each) => [textOf(each), each]));
  const slots: (EndpointAddress | undefined)[] = Array.from({ length: size }, (_, at) => {
    const held = former[at];
    if (held === undefined || !wanted.delete(textOf(held))) return undefined;
    return held;
  });
  const waiting = [...wanted.values()];
  return slots.map((slot) => slot ?? waiting.shift());
}

function sizeFor(former: number, count: number): number {
  const fitting = Math.max(LEAST, 2 ** Math.ceil(Math.log2((count * 4) / 3 + 1)));
  return former >= count && former <= fitting * 2 && former >= LEAST ? former : fitting;
}

/** Two places are the same when their addresses are. */
export function isSamePlace(one: EndpointAddress | undefined, other: EndpointAddress | undefined): boolean {
  return one?.ip === other?.ip && one?.port === other?.port;
}

function textOf({ ip, port }: EndpointAddress): string {
  return `${ip}:${port}`;
}
