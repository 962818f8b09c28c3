import { afterEach, expect, test } from "vitest";
import { COPY_OF, UNDONE_TO } from "../../kinds/config-copies.js";
import { metaOf } from "../../kinds/object.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { StatefulSet } from "../../proto/gen/tallship/v1/statefulset.js";
import { type ControlWorld, contentDigest, controlWorld, namesOf } from "../../test/kit/control-world.js";
import { active, finish } from "../../test/kit/deployment-world.js";
import type { Controller } from "./controller.js";
import { daemonSet } from "./daemon-set/daemon-set.js";
import { ownerCollector } from "./owner-collector.js";
import { podCollector } from "./pod-collector.js";
import { statefulSet } from "./stateful-set/stateful-set.js";

let world: ControlWorld;
afterEach(() => world.stop.abort());

const variable = { name: "V", valueFrom: { configMapKeyRef: { name: "web", key: "key" } } };
const spec = {
  selector: { matchLabels: { app: "web" } },
  template: {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ name: "main", image: "i", env: [variable] }] },
  },
  revisionHistoryLimit: 1,
};

/** A workload of each kind that keeps its templates as controller revisions, with one pod. */
const workloads = [
  {
    kind: "StatefulSet",
    controller: statefulSet(contentDigest),
    put: (annotations: Readonly<Record<string, string>>) =>
      world.put({
        kind: "StatefulSet",
        object: StatefulSet.fromPartial({
          metadata: { name: "web", namespace: "default", uid: "web-uid", generation: 1, annotations },
          spec: { ...spec, replicas: 1, updateStrategy: { type: "RollingUpdate" } },
        }),
      }),
  },
  {
    kind: "DaemonSet",
    controller: daemonSet(contentDigest),
    put: (annotations: Readonly<Record<string, string>>) =>
      world.put({
        kind: "DaemonSet",
        object: DaemonSet.fromPartial({
          metadata: { name: "web", namespace: "default", uid: "web-uid", generation: 1, annotations },
          spec: { ...spec, updateStrategy: { type: "RollingUpdate" } },
        }),
      }),
  },
] as const;

async function open(controller: Controller): Promise<void> {
  world = await controlWorld();
  world.run([controller, ownerCollector(), podCollector]);
  await world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name: "node-a", uid: "n" } }) });
}

async function configure(key: string): Promise<void> {
  const metadata = { name: "web", namespace: "default", uid: "c" };
  await world.put({ kind: "ConfigMap", object: ConfigMap.fromPartial({ metadata, data: { key } }) });
}

/** What the pods take: from the config that they name. */
const values = (): readonly (string | undefined)[] =>
  active(world).map((pod) => {
    const name = pod.spec?.containers[0]?.env[0]?.valueFrom?.configMapKeyRef?.name ?? "";
    return world.view.get("ConfigMap", "default", name)?.data["key"];
  });

const copies = (): readonly string[] =>
  namesOf(world.view.list("ConfigMap").filter(({ object }) => COPY_OF in metaOf(object).labels));

for (const { kind, controller, put } of workloads) {
  test(`a ${kind} rolls changed content out, keeps what its revisions need, and comes back to content it had`, async () => {
    await open(controller);
    await configure("one");
    await put({});
    await finish(world);
    expect(values()).toEqual(["one"]);
    await configure("two");
    await finish(world);
    expect(values()).toEqual(["two"]);
    await configure("one");
    await finish(world);
    expect(values()).toEqual(["one"]);
    expect(world.view.list("ControllerRevision")).toHaveLength(2);
    for (const key of ["three", "four", "five"]) {
      await configure(key);
      await finish(world);
    }
    expect(values()).toEqual(["five"]);
    expect(world.view.list("ControllerRevision")).toHaveLength(2);
    expect(copies()).toHaveLength(2);
    const { revision } = world.view;
    await world.clock.advance(60_000);
    expect(world.view.revision).toBe(revision);
  });

  test(`a ${kind} that wants live content is not rolled out for it`, async () => {
    await open(controller);
    await configure("one");
    await put({ "tallship.dev/config-change": "live" });
    await finish(world);
    const before = namesOf(world.view.list("Pod"));
    await configure("two");
    await finish(world);
    expect(namesOf(world.view.list("Pod"))).toEqual(before);
    expect(copies()).toEqual([]);
  });

  test(`a ${kind} that is taken back gets the content of then, until the content changes again`, async () => {
    await open(controller);
    await configure("one");
    await put({});
    await finish(world);
    const [first] = world.view.list("ControllerRevision");
    await configure("bad");
    await finish(world);
    await world.edit(kind, "web", withAnnotations({ [UNDONE_TO]: metaOf(first?.object ?? {}).name }));
    await finish(world);
    expect(values()).toEqual(["one"]);
    expect(world.view.get("ConfigMap", "default", "web")?.data).toEqual({ key: "bad" });
    await configure("two");
    await finish(world);
    expect(values()).toEqual(["two"]);
    await configure("bad");
    await finish(world);
    expect(values()).toEqual(["bad"]);
    const { revision } = world.view;
    await world.clock.advance(60_000);
    expect(world.view.revision).toBe(revision);
  });
}

/** Adds annotations, as a user does. */
function withAnnotations(more: Readonly<Record<string, string>>) {
  return <T extends { readonly metadata?: ObjectMeta | undefined }>(live: T): T => {
    const meta = metaOf(live);
    return { ...live, metadata: { ...meta, annotations: { ...meta.annotations, ...more } } };
  };
}
