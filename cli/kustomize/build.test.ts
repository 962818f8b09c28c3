import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { problemText } from "../../kinds/problem.js";
import { app, built, DEPLOYMENT, errors, objects, SERVICE, type Texts } from "../../test/kit/kustomization.js";

describe("resources", () => {
  test("come in kustomize's order, scalars as they were written, without kind and apiVersion in the kustomization", () => {
    expect(objects(app(""))).toBe(`${SERVICE}---\n${DEPLOYMENT}`);
    expect(objects(app("sortOptions: {order: fifo}"))).toBe(`${DEPLOYMENT}---\n${SERVICE}`);
  });

  test("may be folders, lists and files of several documents", () => {
    const texts = {
      "app/kustomization.yml":
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base/, list.yaml]",
      "app/list.yaml":
        "kind: List\napiVersion: v1\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n",
      "base/Kustomization": "bases: [deep]",
      "base/deep/kustomization.yaml": "resources: [two.yaml]",
      "base/deep/two.yaml": `${SERVICE}---\n${SERVICE.replace("name: web", "name: web2")}`,
    };
    expect(objects(texts).match(/name: .*/g)).toEqual(["name: a", "name: b", "name: web", "name: web2"]);
  });

  test("may be sorted by an order of one's own, and local ones stay local", () => {
    const local =
      "{apiVersion: v1, kind: Secret, metadata: {name: l, annotations: {config.kubernetes.io/local-config: 'true'}}}";
    const texts = {
      "app/kustomization.yaml":
        "resources: [web.yaml, service.yaml, local.yaml]\nsortOptions: {order: legacy, legacySortOptions: {orderFirst: [Deployment], orderLast: [Service]}}",
      "app/web.yaml": DEPLOYMENT,
      "app/service.yaml": SERVICE,
      "app/local.yaml": local,
    };
    expect(objects(texts)).toBe(`${DEPLOYMENT}---\n${SERVICE}`);
  });

  test("of every kind that runs pods have their labels and references followed", () => {
    const jobs =
      "{apiVersion: batch/v1, kind: CronJob, metadata: {name: j}, spec: {jobTemplate: {spec: {template: {spec: {serviceAccountName: s, volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]}}}}}}";
    const named =
      "---\n{apiVersion: v1, kind: ServiceAccount, metadata: {name: s}}\n---\n{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}}\n";
    const text = objects({
      "app/kustomization.yaml": "resources: [j.yaml]\nnameSuffix: -x\ncommonLabels: {l: m}\ncommonAnnotations: {a: b}",
      "app/j.yaml": `${jobs}\n${named}`,
    });
    expect(text).toContain("serviceAccountName: s-x\n");
    expect(text).toContain("claimName: c-x\n");
    // Its own, its jobs' and their pods'.
    expect(text.match(/l: m/g)).toHaveLength(3 + 2);
    expect(text.match(/a: b/g)).toHaveLength(3 + 2);
  });

  test("are refused at their place", () => {
    expect(errors(app("components: [../x]"))).toEqual([
      "app/kustomization.yaml:2:14: x has no kustomization.yaml, kustomization.yml or Kustomization",
    ]);
    expect(
      errors({ "app/kustomization.yaml": "resources:\n- https://example.com/base\n- ../other.yaml\n- none.yaml\n" }),
    ).toEqual([
      "app/kustomization.yaml:2:3: https://example.com/base: bases are not fetched from the net; clone it and name its folder",
      "app/kustomization.yaml:3:3: ../other.yaml is outside of app: files stand in the folder of their kustomization or below",
      "app/kustomization.yaml:4:3: app/none.yaml does not exist",
    ]);
    expect(
      errors({ "app/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../app]" }),
    ).toEqual(["b/kustomization.yaml:1:13: app is made of itself: app names b names app"]);
    expect(errors(app("", { "app/service.yaml": DEPLOYMENT }))).toEqual([
      "app/kustomization.yaml:1:23: Deployment web is there already, from app/web.yaml",
    ]);
  });

  test("unknown and unsupported fields of a kustomization are told", () => {
    expect(errors(app("namePrefx: a\nhelmCharts: [{name: x}]\ncrds: []\n"))).toEqual([
      "app/kustomization.yaml:3:1: helmCharts: not supported here: render the chart with helm template and name its output as a resource",
      'app/kustomization.yaml:2:1: namePrefx: unknown field "namePrefx", did you mean "namePrefix"?',
    ]);
  });
});

describe("names and namespaces", () => {
  test("prefix and suffix reach every reference, through bases", () => {
    const texts = {
      ...app(
        "namePrefix: a-\nconfigMapGenerator: [{name: settings, literals: [A=1]}]\nsecretGenerator: [{name: keys, options: {disableNameSuffixHash: true}, literals: [K=v]}]",
      ),
      "top/kustomization.yaml": "resources: [../app]\nnameSuffix: -z\n",
    };
    const text = objects(texts, "top");
    expect(text).toContain("name: a-web-z\n");
    expect(text).toContain("secretName: a-keys-z\n");
    const [name] = /a-settings-z-[a-z0-9]{10}/.exec(text) ?? [];
    expect(text.split(String(name))).toHaveLength(3);
  });

  test("follow scale targets, ingress backends, accounts, roles and subjects", () => {
    const rbac = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: bot}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [configmaps], resourceNames: [settings, other]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: bot, namespace: default}, {kind: ServiceAccount, name: default, namespace: x}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: auto}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: door}
spec: {defaultBackend: {service: {name: web}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}}
`;
    const text = objects({
      ...app("namespace: shop\nnamePrefix: p-\n", { "app/rbac.yaml": rbac }),
      "app/kustomization.yaml": "resources: [web.yaml, service.yaml, rbac.yaml]\nnamespace: shop\nnamePrefix: p-",
    });
    for (const part of [
      "  resourceNames:\n  - p-settings\n  - other\n",
      "  kind: Role\n  name: p-reader\n",
      "- kind: ServiceAccount\n  name: p-bot\n  namespace: shop\n",
      "- kind: ServiceAccount\n  name: default\n  namespace: shop\n",
      "    kind: Deployment\n    name: p-web\n",
      "    service:\n      name: p-web\n",
      "            name: p-settings\n",
    ])
      expect(text).toContain(part);
    expect(text.match(/^ {2}namespace: shop$/gm)).toHaveLength(10);
  });

  test("a namespace renames Namespace objects and leaves other cluster-wide ones alone", () => {
    const texts = {
      "app/kustomization.yaml": "resources: [a.yaml]\nnamespace: b",
      "app/a.yaml":
        "{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n---\n{apiVersion: v1, kind: PersistentVolume, metadata: {name: v}}\n",
    };
    expect(objects(texts)).toBe(
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: b\n---\napiVersion: v1\nkind: PersistentVolume\nmetadata:\n  name: v\n",
    );
  });

  test("two objects that had one name keep their own references apart", () => {
    const side = (name: string): Texts => ({
      [`${name}/kustomization.yaml`]: `namePrefix: ${name}-\nresources: [web.yaml]\nconfigMapGenerator: [{name: settings, literals: [N=${name}], options: {disableNameSuffixHash: true}}]`,
      [`${name}/web.yaml`]: DEPLOYMENT,
    });
    const text = objects({ "app/kustomization.yaml": "resources: [../x, ../y]", ...side("x"), ...side("y") });
    expect(text.match(/configMapRef:\n +name: .*/g)?.map((ref) => ref.slice(-10))).toEqual([
      "x-settings",
      "y-settings",
    ]);
  });
});

describe("labels, annotations, images and replicas", () => {
  test("commonLabels reach templates and selectors, commonAnnotations templates", () => {
    const text = objects(app("commonLabels: {team: a}\ncommonAnnotations: {note: b}"));
    expect(text.match(/team: a/g)).toHaveLength(5);
    expect(text.match(/note: b/g)).toHaveLength(3);
  });

  test.each([
    { flags: "", count: 2 },
    { flags: ", includeTemplates: true", count: 3 },
    { flags: ", includeSelectors: true", count: 5 },
    { flags: ", fields: [{path: spec/selector, kind: Service}]", count: 3 },
  ])("labels with {$flags} stand at $count places", ({ flags, count }) => {
    expect(objects(app(`labels: [{pairs: {team: a}${flags}}]`)).match(/team: a/g)).toHaveLength(count);
  });

  test.each([
    { image: "newTag: v2", want: "web:v2" },
    { image: 'newName: "reg:5000/x"', want: "reg:5000/x:1" },
    { image: 'newName: y, digest: "sha256:ab"', want: "y@sha256:ab" },
    { image: "tagSuffix: -rc", want: "web:1-rc" },
  ])("image {$image} makes $want", ({ image, want }) => {
    expect(objects(app(`images: [{name: web, ${image}}]`))).toContain(`image: ${want}\n`);
    expect(objects(app(`images: [{name: we, ${image}}]`))).toContain("image: web:1\n");
  });

  test("replicas are set by any name, and one that nothing has is refused", () => {
    expect(objects(app("namePrefix: a-\nreplicas: [{name: web, count: 5}]"))).toContain("  replicas: 5\n");
    expect(errors(app("replicas: [{name: db, count: 5}]"))).toEqual([
      'app/kustomization.yaml:2:19: no Deployment, ReplicaSet or StatefulSet is named "db"',
    ]);
  });

  test("buildMetadata notes origins", () => {
    expect(objects(app("buildMetadata: [originAnnotations]"))).toContain(
      "config.kubernetes.io/origin: |\n      path: app/web.yaml\n",
    );
  });
});

describe("patches", () => {
  const image = "patches: [{path: p.yaml}]";
  const strategic =
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: [{name: side, image: s}, {name: web, image: web:2}]}}}";

  test("strategic ones name their object by any name it had, and what they name comes first", () => {
    const text = objects(app(`namePrefix: a-\n${image}`, { "app/p.yaml": strategic }));
    expect(text.match(/image: .*/g)).toEqual(["image: s", "image: web:2"]);
    expect(
      objects(
        {
          ...app("namePrefix: a-"),
          "top/kustomization.yaml": image.replace("patches", "resources: [../app]\npatches"),
          "top/p.yaml": strategic,
        },
        "top",
      ),
    ).toContain("web:2");
  });

  test("JSON ones and inline ones select their targets", () => {
    const json =
      "patches:\n- target: {kind: Deploy.*, labelSelector: 'app=web'}\n  patch: |-\n    - op: add\n      path: /metadata/labels\n      value: {x: y}\n";
    expect(
      objects(app(json, { "app/web.yaml": DEPLOYMENT.replace("name: web\n", "name: web\n  labels:\n    app: web\n") })),
    ).toContain("  labels:\n    x: y\n");
    expect(built(app(json)).warnings.map(problemText)).toEqual([
      "app/kustomization.yaml:3:3: the target of this patch selects no object",
    ]);
    const old =
      "patchesStrategicMerge:\n- |-\n  {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {type: NodePort}}\npatchesJson6902: [{target: {version: v1, kind: Service, name: web}, path: p.yaml}]";
    expect(
      objects(app(old, { "app/p.yaml": '[{"op": "replace", "path": "/spec/type", "value": "LoadBalancer"}]' })),
    ).toContain("type: LoadBalancer\n");
  });

  test("may delete objects, and rename them only when allowed", () => {
    expect(
      objects(app("patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: web}, $patch: delete}'}]")),
    ).toBe(DEPLOYMENT);
    const rename = (more: string): Texts =>
      app(
        `patches: [{target: {kind: Service}, patch: '{apiVersion: v1, kind: Service, metadata: {name: other}}'${more}}]`,
      );
    expect(objects(rename(""))).not.toContain("other");
    expect(objects(rename(", options: {allowNameChange: true}"))).toContain("name: other\n");
  });

  test("are refused where they are wrong", () => {
    expect(errors(app(image, { "app/p.yaml": strategic.replace("name: web}", "name: db}") }))).toEqual([
      "app/p.yaml:1:1: no object is Deployment db for this patch",
    ]);
    expect(
      errors(
        app("patches: [{target: {kind: Service}, path: p.yaml}]", {
          "app/p.yaml": "- {op: remove, path: /spec/ports}",
        }),
      ),
    ).toEqual(["app/p.yaml:1:3: Service web: operation 1, remove /spec/ports: there is no such field"]);
    expect(errors(app("patches: [{target: {kind: '('}, patch: '{}'}]"))[0]).toContain("app/kustomization.yaml:2:11: ");
  });
});

test("a kustomization that is built twice is built the same, whatever order its files are found in", () => {
  const texts = app("namePrefix: a-\ncommonLabels: {x: y}\nconfigMapGenerator: [{name: settings, literals: [A=1]}]");
  const want = objects(texts);
  fc.assert(
    fc.property(fc.shuffledSubarray(Object.keys(texts), { minLength: Object.keys(texts).length }), (paths) => {
      expect(objects(Object.fromEntries(paths.map((path) => [path, texts[path] ?? ""])))).toBe(want);
    }),
  );
});
