import type { ObjectKey, Typed } from "../../kinds/object.js";
import type { CacheChange, View } from "../cache/view.js";
import type { Notice } from "../events/notice.js";

/** One write that a controller wants. It names the revision it was decided on (0 creates); all writes of one outcome share a transaction. */
export type ObjectWrite =
  | { readonly op: "put"; readonly typed: Typed; readonly revision: number }
  | { readonly op: "delete"; readonly key: ObjectKey; readonly revision: number };

/** What a reconcile decided. Empty when the world is as wanted. */
export interface Outcome {
  readonly writes: readonly ObjectWrite[];
  /** Told once the writes have happened. */
  readonly notices?: readonly Notice[];
  /** Look again after this many milliseconds, even if nothing changes; 0: at once, there is more to do. */
  readonly againMs?: number;
}

/** The world is as wanted. */
export const NOTHING: Outcome = { writes: [] };

/** What a reconcile may know beside the view: the time, and names derived from it are forbidden. */
export interface ReconcileContext {
  readonly nowMs: number;
  /** Milliseconds that never go back, for durations of this leadership. */
  readonly monotonicMs: number;
  /** A fresh uid for an object that is created. */
  newUid(): string;
}

/**
 * Keeps one kind of object as its spec says. Level-triggered: `reconcile` sees only the latest state and may be called at any time,
 * twice in a row, or after any number of missed events; called again on its own result it decides nothing.
 */
export interface Controller {
  readonly name: string;
  /** The keys to look at because of this change. A key need not be that of an object: it only names a piece of work. */
  keysFor(change: CacheChange, view: View): readonly ObjectKey[];
  /** Pure and synchronous. */
  reconcile(key: ObjectKey, view: View, context: ReconcileContext): Outcome;
  /** Asks for keys for reasons outside the view, such as a node's session; called once, before the first change. Returns how to stop. */
  listen?(want: (key: ObjectKey) => void): () => void;
}
