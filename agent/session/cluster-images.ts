import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { hasCode } from "../../lib/errors.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { type WatchParts, type WatchUpdate, watchObjects } from "./watch-objects.js";

/** The names of the cluster's own images, as the control plane last told them. */
export class ClusterImages {
  private specs: ReadonlyMap<string, ImageSpec> = new Map();

  /** Takes an update of the watch over kind Image. */
  take({ changes, isWhole }: WatchUpdate): void {
    const specs = new Map(isWhole ? [] : this.specs);
    for (const { key, typed } of changes) {
      const spec = typed?.kind === "Image" ? typed.object.spec : undefined;
      const name = key.slice("Image//".length);
      if (spec === undefined) specs.delete(name);
      else specs.set(name, spec);
    }
    this.specs = specs;
  }

  /** Follows the names until the signal aborts. */
  follow(edges: Omit<WatchParts, "selections" | "onUpdate">, signal: AbortSignal): Promise<void> {
    const selections = [{ kind: "Image", namespace: "", labels: "", fields: "" }];
    return watchObjects({ ...edges, selections, onUpdate: (update) => this.take(update) }, signal);
  }

  /** Digests of the manifests that names stand for. */
  digests(): ReadonlySet<string> {
    return new Set([...this.specs.values()].map(({ digest }) => digest));
  }

  /**
   * The image that a reference means, when its name is one of the cluster's. Undefined for every other, for one with a digest, and for one that is malformed: pulling it tells
   * what is wrong.
   */
  specOf(reference: string): ImageSpec | undefined {
    if (this.specs.size === 0 || reference.includes("@")) return undefined;
    try {
      return this.specs.get(formatReference(parseReference(reference)));
    } catch (error) {
      if (hasCode(error, "invalid_argument")) return undefined;
      throw error;
    }
  }
}
