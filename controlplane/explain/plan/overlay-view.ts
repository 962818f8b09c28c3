import { keyOf, keyText, metaOf, type Typed } from "../../../kinds/object.js";
import type { KindMap, KindName } from "../../../kinds/registry.js";
import { cachedFrom } from "../../cache/cached.js";
import { ObjectView } from "../../cache/object-view.js";
import type { Cached, View } from "../../cache/view.js";

/** A view with some objects put over those that it has, as if they had just been written. What it stands on may move on beneath it. */
export class OverlayView implements View {
  /** What it stands on. */
  readonly base: View;
  private readonly over = new ObjectView();
  private readonly keys = new Set<string>();

  constructor(base: View) {
    this.base = base;
  }

  get revision(): number {
    return this.base.revision;
  }

  /** Puts an object over the one of its name. */
  put(typed: Typed): Cached {
    const cached = cachedFrom(typed, this.revision);
    this.keys.add(keyText(keyOf(typed)));
    this.over.replace(keyOf(typed), cached);
    return cached;
  }

  get<K extends KindName>(kind: K, namespace: string, name: string): KindMap[K] | undefined {
    return this.cached(kind, namespace, name)?.object;
  }

  cached<K extends KindName>(kind: K, namespace: string, name: string): Cached<K> | undefined {
    return this.over.cached(kind, namespace, name) ?? this.base.cached(kind, namespace, name);
  }

  list<K extends KindName>(kind: K, namespace?: string): readonly Cached<K>[] {
    return this.merged(this.base.list(kind, namespace), this.over.list(kind, namespace));
  }

  ownedBy<K extends KindName>(kind: K, ownerUid: string): readonly Cached<K>[] {
    return this.merged(this.base.ownedBy(kind, ownerUid), this.over.ownedBy(kind, ownerUid));
  }

  podsOnNode(nodeName: string): readonly Cached<"Pod">[] {
    return this.merged(this.base.podsOnNode(nodeName), this.over.podsOnNode(nodeName));
  }

  usingConfig<K extends KindName>(kind: K, namespace: string, configKey: string): readonly Cached<K>[] {
    const over = this.over.usingConfig(kind, namespace, configKey);
    return this.merged(this.base.usingConfig(kind, namespace, configKey), over);
  }

  withLabels<K extends KindName>(
    kind: K,
    namespace: string,
    labels: Readonly<Record<string, string>>,
  ): readonly Cached<K>[] {
    const over = this.over.withLabels(kind, namespace, labels);
    return this.merged(this.base.withLabels(kind, namespace, labels), over);
  }

  private merged<K extends KindName>(base: readonly Cached<K>[], over: readonly Cached<K>[]): readonly Cached<K>[] {
    if (this.keys.size === 0) return base;
    const below = base.filter(({ kind, object }) => {
      const { namespace, name } = metaOf(object);
      return !this.keys.has(keyText({ kind, namespace, name }));
    });
    if (below.length === base.length && over.length === 0) return base;
    return [...below, ...over].sort(byName);
  }
}

function byName(left: Cached, right: Cached): number {
  const [a, b] = [metaOf(left.object), metaOf(right.object)];
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}
