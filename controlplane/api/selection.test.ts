import { expect, test } from "vitest";
import type { Typed } from "../../kinds/object.js";
import { Selection } from "../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Event } from "../../proto/gen/tallship/v1/event.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { viewOf } from "../cache/view-of.js";
import { compileSelection, selectFrom } from "./selection.js";

const pod = (
  namespace: string,
  name: string,
  nodeName: string,
  labels: Record<string, string>,
  phase: string,
): Typed => ({
  kind: "Pod",
  object: Pod.fromPartial({ metadata: { namespace, name, labels }, spec: { nodeName }, status: { phase } }),
});

const config = (name: string, labels: Record<string, string>, owner?: string): Typed => ({
  kind: "ConfigMap",
  object: ConfigMap.fromPartial({
    metadata: { namespace: "shop", name, labels, ownerReferences: owner === undefined ? [] : [{ uid: owner }] },
  }),
});

const view = viewOf([
  pod("shop", "web-1", "node-a", { app: "web", tier: "front" }, "Running"),
  pod("shop", "web-2", "node-b", { app: "web" }, "Pending"),
  pod("shop", "db-1", "node-a", { app: "db", tier: "" }, "Running"),
  pod("blog", "web-1", "node-a", { app: "web" }, "Failed"),
  config("conf", { app: "web" }),
  config("conf-1", { "tallship.dev/copy-of": "conf" }, "a-set"),
  config("conf-2", { "tallship.dev/copy-of": "conf" }),
  { kind: "Node", object: Node.fromPartial({ metadata: { name: "node-a" } }) },
  {
    kind: "Event",
    object: Event.fromPartial({
      metadata: { namespace: "shop", name: "e" },
      involvedObject: { kind: "Pod", name: "web-1" },
    }),
  },
]);

// Each row names what a selection selects; those with a name, a node or labels are answered by an index and must not differ from a scan.
const rows: readonly {
  readonly select: Partial<Selection>;
  readonly onlyNode?: string;
  readonly want: readonly string[];
}[] = [
  { select: {}, want: ["blog/web-1", "shop/db-1", "shop/web-1", "shop/web-2"] },
  { select: { namespace: "shop" }, want: ["shop/db-1", "shop/web-1", "shop/web-2"] },
  { select: { fields: "metadata.namespace=blog" }, want: ["blog/web-1"] },
  { select: { namespace: "shop", fields: "metadata.namespace=blog" }, want: [] },
  { select: { labels: "app=web" }, want: ["blog/web-1", "shop/web-1", "shop/web-2"] },
  { select: { namespace: "shop", labels: "app=web" }, want: ["shop/web-1", "shop/web-2"] },
  { select: { namespace: "shop", labels: "app=web,!tier" }, want: ["shop/web-2"] },
  { select: { labels: "tier" }, want: ["shop/db-1", "shop/web-1"] },
  { select: { labels: "tier=" }, want: ["shop/db-1"] },
  { select: { labels: "app notin (web)" }, want: ["shop/db-1"] },
  { select: { fields: "metadata.name=web-1" }, want: ["blog/web-1", "shop/web-1"] },
  { select: { namespace: "blog", fields: "metadata.name=web-1" }, want: ["blog/web-1"] },
  { select: { namespace: "blog", fields: "metadata.name=web-1,metadata.name=db-1" }, want: [] },
  { select: { namespace: "blog", fields: "metadata.name=web-1,status.phase=Running" }, want: [] },
  { select: { fields: "spec.nodeName=node-a,status.phase!=Running" }, want: ["blog/web-1"] },
  { select: {}, onlyNode: "node-b", want: ["shop/web-2"] },
  { select: { fields: "spec.nodeName=node-a" }, onlyNode: "node-b", want: [] },
  { select: { fields: "spec.nodeName!=node-b" }, onlyNode: "node-b", want: [] },
  { select: { kind: "Node", namespace: "shop" }, want: ["/node-a"] },
  { select: { kind: "Node", fields: "metadata.name=node-a" }, want: ["/node-a"] },
  // A copy that a revision keeps is found by its name and its label alone; one that was orphaned, by everything.
  { select: { kind: "ConfigMap" }, want: ["shop/conf", "shop/conf-2"] },
  { select: { kind: "ConfigMap", namespace: "shop", labels: "app!=web" }, want: ["shop/conf-2"] },
  { select: { kind: "ConfigMap", fields: "metadata.name!=conf" }, want: ["shop/conf-2"] },
  { select: { kind: "ConfigMap", fields: "metadata.name=conf-1" }, want: ["shop/conf-1"] },
  { select: { kind: "ConfigMap", labels: "tallship.dev/copy-of=conf" }, want: ["shop/conf-1", "shop/conf-2"] },
  {
    select: { kind: "ConfigMap", namespace: "shop", labels: "tallship.dev/copy-of" },
    want: ["shop/conf-1", "shop/conf-2"],
  },
  { select: { kind: "Event", fields: "involvedObject.kind=Pod,involvedObject.name=web-1" }, want: ["shop/e"] },
];

for (const { select, onlyNode, want } of rows) {
  const text = [select.kind ?? "Pod", select.namespace, select.labels, select.fields, onlyNode].join(" ");
  test(`selection "${text}" selects ${want.join(", ") || "nothing"}`, () => {
    const compiled = compileSelection(Selection.fromPartial({ kind: "Pod", ...select }), onlyNode);
    const found = selectFrom(view, compiled).map(
      ({ object }) => `${object.metadata?.namespace}/${object.metadata?.name}`,
    );
    expect(found).toEqual(want);
  });
}

test("a selection that makes no sense is refused", () => {
  for (const bad of [{ kind: "Ship" }, { labels: "a=b=c" }, { fields: "spec.colour=red" }, { kind: "constructor" }])
    expect(() => compileSelection(Selection.fromPartial({ kind: "Pod", ...bad }), undefined)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/invalid_argument|unknown_kind/) }),
    );
});
