import { keptNameOf } from "../kinds/image-reference.js";
import { limit } from "../lib/limits.js";
import { dropOldest } from "./drop-oldest.js";
import type { NodeRecord } from "./node-record.js";
import { MAX_POINTS } from "./points.js";

/** An image, and the nodes that hold all of it. */
export interface HeldImage {
  readonly sizeBytes: number;
  /** Names of nodes. */
  readonly holders: ReadonlySet<string>;
}

const MIB = 2 ** 20;
/** An image that is no larger is fetched before anybody minds; one of the most, for each container, counts in full. As in Kubernetes. */
const LEAST_BYTES = 23 * MIB;
const MOST_BYTES = 1_000 * MIB;

/** Points of every slot, and the most of them. */
export interface ImagePoints {
  readonly bySlot: Float64Array;
  readonly most: number;
}

/**
 * Which nodes hold which images, by whole names with either tag or digest, such as docker.io/library/app:v1; told by whoever feeds the library. While nobody tells, nothing is
 * worked out.
 */
export class HeldImages {
  /** Grows when what is known changes. */
  version = 0;
  private readonly known = new Map<string, HeldImage>();
  /** What was worked out, by the images of a pod; good for these records and this version. */
  private readonly points = new Map<string, ImagePoints>();
  private readFor = { version: -1, records: [] as readonly NodeRecord[] };

  /** Takes what is known of an image; undefined: nothing. Names beyond `limits.schedulerImageNames` are not taken. */
  set(name: string, image: HeldImage | undefined): void {
    const isRoom = this.known.has(name) || this.known.size < limit("schedulerImageNames");
    if (image === undefined ? !this.known.delete(name) : !isRoom) return;
    if (image !== undefined) this.known.set(name, image);
    this.version += 1;
  }

  /**
   * What the images of a pod's containers, a space between them, make of each node: bytes that are there, times the share of nodes that hold the image, so that one that few nodes
   * hold does not draw all pods there. Undefined when all nodes get the same.
   */
  pointsFor(images: string, records: readonly NodeRecord[]): ImagePoints | undefined {
    if (this.known.size === 0) return undefined;
    if (this.readFor.version !== this.version || this.readFor.records !== records) this.points.clear();
    this.readFor = { version: this.version, records };
    const points = this.points.get(images) ?? this.workedOut(images.split(" "), records);
    this.points.set(images, points);
    dropOldest(this.points, limit("schedulerMasks"));
    return points.most > 0 ? points : undefined;
  }

  private workedOut(images: readonly string[], records: readonly NodeRecord[]): ImagePoints {
    const held = images.flatMap((image) => this.known.get(keptNameOf(image) ?? "") ?? []);
    return pointsOf(held, images.length, records);
  }
}

function pointsOf(held: readonly HeldImage[], containerCount: number, records: readonly NodeRecord[]): ImagePoints {
  const bytes = new Float64Array(records.length);
  for (const { sizeBytes, holders } of held) {
    const slots = records.filter(({ name }) => holders.has(name)).map(({ slot }) => slot);
    // Where every node holds it there is nothing to choose, but it counts towards the threshold of the others.
    const scaled = Math.floor((sizeBytes * slots.length) / records.length);
    for (const slot of slots) bytes[slot] = (bytes[slot] ?? 0) + scaled;
  }
  const bySlot = bytes.map((sum) => pointsForBytes(sum, MOST_BYTES * containerCount));
  return { bySlot, most: bySlot.reduce((most, points) => Math.max(most, points), 0) };
}

function pointsForBytes(sum: number, mostBytes: number): number {
  const counted = Math.min(mostBytes, Math.max(LEAST_BYTES, sum));
  return Math.floor((MAX_POINTS * (counted - LEAST_BYTES)) / (mostBytes - LEAST_BYTES));
}
