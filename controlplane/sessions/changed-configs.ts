import { type ConfigKind, configKey } from "../../kinds/config-uses.js";
import { secretsOfIngress } from "../../kinds/ingress.js";
import { metaOf } from "../../kinds/object.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { ConfigName } from "../../proto/gen/tallship/v1/session.js";
import type { CacheChange, Cached, View, WatchCache } from "../cache/view.js";

/**
 * Tells, of each ConfigMap and Secret whose content changes, the nodes whose pods use it. Who was away meanwhile asks anew for everything. Returns
 * how to stop.
 */
export function followConfigs(
  cache: WatchCache,
  tell: (nodeName: string, config: ConfigName, revision: number) => void,
): () => void {
  return cache.subscribe(({ changes }) => {
    for (const change of changes) {
      const { kind, namespace, name } = change.key;
      if ((kind !== "ConfigMap" && kind !== "Secret") || !hasNewContent(change)) continue;
      for (const node of nodesUsing(cache, kind, { namespace, name }))
        tell(node, { kind, namespace, name }, change.revision);
    }
  });
}

function nodesUsing(
  { view }: WatchCache,
  kind: ConfigKind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): ReadonlySet<string> {
  const pods = view.usingConfig("Pod", namespace, configKey(kind, name));
  const nodes = pods.map(({ object }) => object.spec?.nodeName ?? "").filter((node) => node !== "");
  return new Set([...nodes, ...(kind === "Secret" ? nodesShowing(view, { namespace, name }) : [])]);
}

/** Every node, of a certificate that an ingress names: which of them serve it they know themselves. */
function nodesShowing(
  view: View,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): readonly string[] {
  const isShown = view.list("Ingress", namespace).some(({ object }) => secretsOfIngress(object).includes(name));
  return isShown ? view.list("Node").map(({ object }) => metaOf(object).name) : [];
}

function hasNewContent({ before, after }: CacheChange): boolean {
  const [was, is] = [before, after].map(contentOf);
  return after !== undefined && !deepEqual(was, is);
}

function contentOf(cached: Cached | undefined): unknown {
  const object = cached?.object;
  if (object === undefined || !("data" in object)) return undefined;
  return { data: object.data, binaryData: "binaryData" in object ? object.binaryData : undefined };
}
