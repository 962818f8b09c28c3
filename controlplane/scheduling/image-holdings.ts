import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { HeldImages } from "../../scheduler/held-images.js";
import type { Cached, View } from "../cache/view.js";
import { contentOf } from "../fabric/may-fetch.js";
import { NamedHoldings, NO_NAMES } from "./named-holdings.js";

/** What a connected node holds. */
export interface NodeHolding {
  /** Another one whenever what it holds has changed. */
  readonly version: number;
  /** Digests. */
  readonly held: ReadonlySet<string>;
  /** Sizes of the images that it could run at once, by the names that pods may call them by. */
  readonly named: ReadonlyMap<string, number>;
}

/** What connected nodes hold, by name of node: known to the leader alone. */
export type NodeHoldings = ReadonlyMap<string, NodeHolding>;

interface Known {
  /** Of the Image object that it was read from. */
  readonly revision: number;
  readonly sizeBytes: number;
  readonly digests: readonly string[];
  readonly holders: ReadonlySet<string>;
}

/** A version that no node has. */
const UNREAD = -1;

/**
 * Tells the scheduler which nodes hold which images: the whole image, since what starts a pod at once is that nothing has to be fetched. Of names of the cluster, what they stand for
 * now decides; of all others, what nodes say. Looks only at nodes and images that changed, and at no more than limits.schedulerImageLooks of both at a time; the rest has its turn
 * at the next look.
 */
export class ImageHoldings {
  private readonly images: HeldImages;
  private readonly known = new Map<string, Known>();
  private readonly seen = new Map<string, number>();
  private readonly named = new NamedHoldings();

  constructor(images: HeldImages) {
    this.images = images;
  }

  /** Takes what changed since the last look. */
  look(view: View, nodes: NodeHoldings): void {
    const named = newest(view.list("Image"));
    const names = new Set(named.map(nameOf));
    for (const name of [...this.known.keys()].filter((each) => !names.has(each))) this.forget(name);
    this.takeNodes(nodes);
    const changed = named.filter((each) => this.known.get(nameOf(each))?.revision !== each.revision);
    for (const each of changed.slice(0, turnsFor(nodes.size))) this.takeImage(each, nodes);
    for (const name of this.named.takeChanged()) if (!this.known.has(name)) this.images.set(name, this.named.of(name));
  }

  private takeNodes(nodes: NodeHoldings): void {
    const gone = [...this.seen.keys()].filter((name) => !nodes.has(name));
    const changed = [...nodes].filter(([name, { version }]) => this.seen.get(name) !== version);
    const turn = changed.slice(0, turnsFor(this.known.size + this.named.size));
    for (const name of gone) this.seen.delete(name);
    // An image that is new is looked for on all nodes, those too that wait for their turn: whoever goes before it is missed all the same.
    for (const [name] of changed) this.seen.set(name, UNREAD);
    for (const [name, { version }] of turn) this.seen.set(name, version);
    for (const name of gone) this.named.take(name, NO_NAMES);
    for (const [name, { named }] of turn) this.named.take(name, named);
    for (const [imageName, image] of this.known) {
      const { digests, holders } = image;
      const left = gone.filter((name) => holders.has(name));
      const turned = turn.filter(([name, { held }]) => holdsAll(held, digests) !== holders.has(name));
      // Of most images nothing changed, and a copy of all holders costs more than the looks.
      if (left.length + turned.length === 0) continue;
      const now = new Set(holders);
      for (const name of [...left, ...turned.map(([each]) => each)]) if (!now.delete(name)) now.add(name);
      this.tell(imageName, { ...image, holders: now });
    }
  }

  private takeImage({ object, revision }: Cached<"Image">, nodes: NodeHoldings): void {
    const digests = digestsOf(object.spec);
    const holders = [...nodes].filter(([, { held }]) => holdsAll(held, digests)).map(([name]) => name);
    const sizeBytes = Number(object.spec?.sizeBytes ?? 0);
    const image = { revision, sizeBytes, digests, holders: new Set(holders) };
    const name = object.metadata?.name ?? "";
    // What is written of an image beside its content is no news to the scheduler, to which each change means to look at everything again.
    if (isSame(this.known.get(name), image)) this.known.set(name, image);
    else this.tell(name, image);
  }

  private tell(name: string, image: Known): void {
    this.known.set(name, image);
    this.images.set(name, image);
  }

  private forget(name: string): void {
    this.known.delete(name);
    this.images.set(name, this.named.of(name));
  }
}

function isSame(before: Known | undefined, { sizeBytes, holders }: Known): boolean {
  return (
    before?.sizeBytes === sizeBytes &&
    before.holders.size === holders.size &&
    [...holders].every((name) => before.holders.has(name))
  );
}

/** What it takes to keep the scheduler told. */
export interface ImageHoldingsDeps {
  readonly view: View;
  readonly clock: Clock;
  readonly holdings: NodeHoldings;
}

/** Looks now and every limits.schedulerImagesMs until the signal aborts: with each change all that stands in order starts over, so that changes are taken together. */
export function keepImagesTold({ view, clock, holdings }: ImageHoldingsDeps, images: HeldImages, signal: AbortSignal) {
  const told = new ImageHoldings(images);
  const look = (): void => {
    if (signal.aborted) return;
    told.look(view, holdings);
    clock.after(limit("schedulerImagesMs"), look);
  };
  look();
}

function newest(images: readonly Cached<"Image">[]): readonly Cached<"Image">[] {
  const most = limit("schedulerImages");
  return images.length <= most ? images : images.toSorted((a, b) => b.revision - a.revision).slice(0, most);
}

/** How many turns that look at so many each there is time for. */
function turnsFor(looks: number): number {
  return Math.ceil(limit("schedulerImageLooks") / Math.max(1, looks));
}

function nameOf({ object }: Cached<"Image">): string {
  return object.metadata?.name ?? "";
}

function digestsOf(spec: ImageSpec | undefined): readonly string[] {
  return spec === undefined ? [] : contentOf(spec).filter((digest) => digest !== "");
}

/** An image of which no content is known is held by nobody. */
function holdsAll(held: ReadonlySet<string>, digests: readonly string[]): boolean {
  return digests.length > 0 && digests.every((digest) => held.has(digest));
}
