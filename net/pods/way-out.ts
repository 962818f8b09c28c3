import type { Place } from "../networks/node-networks.js";

/** What of a link's place says whether all packets of IPv6 may leave by it; undefined: it is not known. */
export type LinkPlace = Pick<Place, "ipv6" | "isInternal"> | undefined;

/**
 * The link, by its place in a pod's order, by which packets of IPv6 leave that are for none of its networks: the first, where its network has IPv6, as by IPv4. Else, as
 * with Docker, the first whose network has a way out; a network without one serves where there is no other, since services are reached by it. Undefined: none.
 */
export function ipv6WayOut(places: readonly LinkPlace[]): number | undefined {
  if (places[0]?.ipv6 !== undefined) return 0;
  const able = places.flatMap((place, at) => (place?.ipv6 === undefined ? [] : [{ at, place }]));
  return (able.find(({ place }) => !place.isInternal) ?? able[0])?.at;
}
