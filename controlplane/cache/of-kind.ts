import type { KindName } from "../../kinds/registry.js";
import type { Cached } from "./view.js";

/** The cached object when it is of the kind; undefined otherwise. */
export function ofKind<K extends KindName>(cached: Cached | undefined, kind: K): Cached<K> | undefined {
  return isOfKind(cached, kind) ? cached : undefined;
}

function isOfKind<K extends KindName>(cached: Cached | undefined, kind: K): cached is Cached<K> {
  return cached?.kind === kind;
}
