import { limit } from "../../lib/limits.js";

/** Up to this many endpoints each has exactly one slot. */
export const EXACT_SLOTS = 128;

/** Slot counts that the rules know beyond the exact ones. */
export const WIDE_SLOTS: readonly number[] = [1_024, 2_048, 4_096, 8_192, 16_384];

/**
 * Up to this many slots of a front, for clients of the cluster, stand in a map of their own. For every element that is added the kernel goes through all rules that look into its
 * map, and each number of slots has a rule: of 10,000 services of 10 endpoints that is a quarter of the time that the kernel needs.
 */
export const FEW_SLOTS = 16;

/**
 * Slots of a service port with that many endpoints. A packet draws a slot at random. Few endpoints have one slot each; many share
 * a power of two that gives each at least four, so that no endpoint gets more than a quarter above its share.
 */
export function slotCount(endpointCount: number): number {
  if (endpointCount <= EXACT_SLOTS) return endpointCount;
  return WIDE_SLOTS.find((size) => size >= endpointCount * 4) ?? limit("serviceEndpoints") * 4;
}

/** Slots of endpoints that clients keep: few counts, since each has chains of its own, and shares that differ by a quarter at most. */
export const STICKY_SLOTS: readonly number[] = [EXACT_SLOTS, ...WIDE_SLOTS];

/** Slots of a service port whose clients keep their endpoints, with that many endpoints. */
export function stickySlotCount(endpointCount: number): number {
  if (endpointCount === 0) return 0;
  return STICKY_SLOTS.find((size) => size >= endpointCount * 4) ?? limit("serviceEndpoints") * 4;
}

/** Where the slots of clients from outside begin, when they are led elsewhere than those of the cluster: above every count. */
export const OUTSIDE_SLOTS = 32_768;

/**
 * Deals endpoints to slots, keeping as many of the former slots as it can: one endpoint more or less changes few slots, so few
 * elements of the kernel's map. Every endpoint gets its share, give or take one slot; equal input, equal result.
 */
export function dealSlots(
  former: readonly string[],
  endpoints: readonly string[],
  size = slotCount(endpoints.length),
): readonly string[] {
  if (former.length === 0 && size === endpoints.length) return endpoints;
  const room = new Map(endpoints.map((endpoint, at) => [endpoint, shareOf(size, endpoints.length, at)]));
  const slots = Array.from({ length: size }, (_, at) => keep(former[at], room));
  const waiting = endpoints.flatMap((endpoint) => Array.from({ length: room.get(endpoint) ?? 0 }, () => endpoint));
  let next = 0;
  return slots.map((slot) => {
    if (slot !== undefined) return slot;
    const dealt = waiting[next] ?? "";
    next += 1;
    return dealt;
  });
}

/** Slots of the endpoint at a place in the list: the first ones take what does not divide evenly. */
function shareOf(size: number, count: number, at: number): number {
  return Math.floor(size / count) + (at < size % count ? 1 : 0);
}

function keep(former: string | undefined, room: Map<string, number>): string | undefined {
  if (former === undefined) return undefined;
  const left = room.get(former) ?? 0;
  if (left === 0) return undefined;
  room.set(former, left - 1);
  return former;
}
