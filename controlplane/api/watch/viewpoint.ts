import { type WatchEvent, WatchEvent_Type } from "../../../proto/gen/tallship/v1/api.js";
import type { CacheChange, Cached } from "../../cache/view.js";
import { itemOf } from "../read.js";
import { type CompiledSelection, isSelected } from "../selection.js";
import type { PeerViews } from "./peer-views.js";

/** An event on its way to watchers. The object's bytes are the cache's own until they are sent. */
export interface Pending {
  readonly type: WatchEvent_Type;
  readonly object: Cached;
  readonly revision: number;
}

/**
 * What watchers of the same selections and rights see. Nodes all watch the same: what a change means to them is worked out once for all of them, and they wait for one and the same event.
 */
export class Viewpoint {
  readonly selections: readonly CompiledSelection[];
  private readonly views: PeerViews | undefined;

  /** `views`: objects are shown so; absent: as they are. */
  constructor(selections: readonly CompiledSelection[], views: PeerViews | undefined) {
    this.selections = selections;
    this.views = views;
  }

  /** Whether nodes are shown as their peers see them. */
  get isOfNode(): boolean {
    return this.views !== undefined;
  }

  /** An object that is there. */
  standing(object: Cached): Pending {
    return { type: WatchEvent_Type.PUT, object: this.shown(object), revision: object.revision };
  }

  /** What a change means from here; undefined when nothing is seen of it. An object that leaves the selection is gone. */
  eventOf({ before, after, revision }: CacheChange): Pending | undefined {
    const wasSeen = before !== undefined && this.sees(before);
    if (after !== undefined && this.sees(after)) {
      if (wasSeen && this.views?.isSame(before, after) === true) return undefined;
      return { type: WatchEvent_Type.PUT, object: this.shown(after), revision };
    }
    return wasSeen ? { type: WatchEvent_Type.DELETE, object: this.shown(before), revision } : undefined;
  }

  private shown(cached: Cached): Cached {
    return this.views?.of(cached) ?? cached;
  }

  private sees(cached: Cached): boolean {
    return this.selections.some((selection) => isSelected(selection, cached));
  }
}

/** The event as a watch carries it. */
export function watchEventOf({ type, object, revision }: Pending): WatchEvent {
  const { name = "", namespace = "" } = object.object.metadata ?? {};
  const item = itemOf(type === WatchEvent_Type.PUT ? object : { bytes: object.bytes, revision });
  return { type, name: { kind: object.kind, namespace, name }, item };
}
