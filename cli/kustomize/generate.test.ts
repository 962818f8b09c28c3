import { describe, expect, test } from "vitest";
import { printTree } from "../../kinds/yaml/print.js";
import { app, DEPLOYMENT, errors, objects, type Texts } from "../../test/kit/kustomization.js";
import { buildKustomization } from "./build.js";
import type { FileEntry } from "./files.js";

describe("generators", () => {
  // Names that kustomize 5 gives the same contents.
  test.each([
    {
      generator: "configMapGenerator: [{name: example-configmap-1, files: [application.properties]}]",
      want: "example-configmap-1-g4hk9g2ff8",
    },
    {
      generator: "configMapGenerator: [{name: example-configmap-2, literals: [FOO=Bar]}]",
      want: "example-configmap-2-42cfbf598f",
    },
    {
      generator: "secretGenerator: [{name: example-secret-1, files: [password.txt]}]",
      want: "example-secret-1-2kdd8ckcc7",
    },
  ])("give $want", ({ generator, want }) => {
    const files = {
      "app/application.properties": "FOO=Bar\n",
      "app/.env": "# A comment.\nFOO=Bar\n",
      "app/password.txt": "username=admin\npassword=secret\n",
    };
    expect(objects({ "app/kustomization.yaml": generator, ...files })).toContain(`name: ${want}\n`);
  });

  test("merge and replace what a base generated, under its name", () => {
    const base = {
      "base/kustomization.yaml":
        "namePrefix: b-\nconfigMapGenerator: [{name: c, literals: [A=1, B=2]}]\ngeneratorOptions: {disableNameSuffixHash: true, labels: {l: m}}",
    };
    const over = (behavior: string): Texts => ({
      ...base,
      "app/kustomization.yaml": `resources: [../base]\nconfigMapGenerator: [{name: c, behavior: ${behavior}, literals: [B=3, C=4], options: {disableNameSuffixHash: true}}]`,
    });
    expect(objects(over("merge"))).toBe(
      'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b-c\n  labels:\n    l: m\ndata:\n  A: "1"\n  B: "3"\n  C: "4"\n',
    );
    expect(objects(over("replace"))).toContain('data:\n  B: "3"\n  C: "4"\n');
    expect(errors(over("create"))[0]).toContain("ConfigMap c is there already");
    expect(errors({ "app/kustomization.yaml": "configMapGenerator: [{name: c, behavior: merge}]" })).toEqual([
      "app/kustomization.yaml:1:29: behavior merge: there is no ConfigMap c",
    ]);
  });

  test("keep contents that are no text, and refuse what has no value or stands twice", () => {
    const files = new Map<string, FileEntry>([
      ["app", { is: "folder" }],
      [
        "app/kustomization.yaml",
        { is: "file", bytes: Buffer.from("configMapGenerator: [{name: c, files: [k=b.bin]}]") },
      ],
      ["app/b.bin", { is: "file", bytes: Buffer.from([0xff, 0xfe]) }],
    ]);
    expect(buildKustomization("app", files).objects.map(printTree)[0]).toContain("binaryData:\n  k: //4=\n");
    expect(
      errors({
        "app/kustomization.yaml": "configMapGenerator: [{name: c, env: e, literals: [A=1, A=2, x]}]",
        "app/e": "PATH\n",
      }),
    ).toEqual([
      'app/kustomization.yaml:1:37: line 1 of the file: want KEY=VALUE, found "PATH"',
      'app/kustomization.yaml:1:56: key "A" stands twice',
      'app/kustomization.yaml:1:61: want KEY=VALUE, found "x"',
    ]);
  });
});

describe("components, replacements and variables", () => {
  test("a component changes the objects of the kustomization that names it", () => {
    const texts = {
      ...app("components: [../more]"),
      "more/kustomization.yaml":
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas: [{name: web, count: 7}]\nresources: [x.yaml]",
      "more/x.yaml": "{apiVersion: v1, kind: Secret, metadata: {name: x}}",
    };
    expect(objects(texts)).toContain("replicas: 7\n");
    expect(objects(texts)).toContain("kind: Secret\n");
    expect(errors({ ...texts, "app/kustomization.yaml": "resources: [../more]" })).toEqual([
      "app/kustomization.yaml:1:13: more is a Component: name it under components",
    ]);
  });

  test("replacements copy values, whole and in parts", () => {
    const whole =
      "replacements:\n- source: {kind: Service, name: web, fieldPath: spec.selector.app}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: ['spec.template.spec.containers.[name=web].env.[name=HOST].value']\n    options: {create: true}\n";
    expect(objects(app(whole))).toContain("        env:\n        - name: HOST\n          value: web\n");
    const part =
      "replacements:\n- source: {kind: Deployment, fieldPath: 'spec.template.spec.containers.0.image', options: {delimiter: ':', index: 1}}\n  targets:\n  - select: {kind: Service}\n    fieldPaths: [spec.selector.app]\n";
    expect(objects(app(part))).toContain('    app: "1"\n');
    expect(
      errors(
        app(
          "replacements: [{source: {kind: Service}, targets: [{select: {kind: Deployment}, fieldPaths: [spec.none]}]}]",
        ),
      ),
    ).toEqual(["app/kustomization.yaml:2:16: Deployment web has no field spec.none; options.create makes it"]);
    expect(errors(app("replacements: [{source: {kind: Pod}, targets: [{select: {kind: Deployment}}]}]"))).toEqual([
      "app/kustomization.yaml:2:16: the source selects no object: kind Pod",
    ]);
  });

  test("kustomize's own transformers come last, labels and annotations to the places they name", () => {
    const label =
      "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {env: dev}\nfieldSpecs: [{path: metadata/labels, create: true}]\n";
    const files = { "app/l.yaml": label };
    const inline = "- |-\n  {apiVersion: builtin, kind: PrefixTransformer, metadata: {name: p}, prefix: x-}\n";
    const text = objects(app(`transformers:\n- l.yaml\n${inline}`, files));
    expect(text.match(/env: dev/g)).toHaveLength(2);
    expect(text.match(/name: x-web\n/g)).toHaveLength(2);
    expect(
      errors(app("transformers: [l.yaml]", { "app/l.yaml": label.replace("LabelTransformer", "HelmChart") }))[0],
    ).toContain("app/l.yaml:2:7: kind: want LabelTransformer, ");
  });

  test("variables stand for values in arguments, and others stay", () => {
    const text = objects(
      app("namePrefix: p-\nvars: [{name: SVC, objref: {kind: Service, name: web, apiVersion: v1}}]", {
        "app/web.yaml": DEPLOYMENT.replace(
          "image: web:1",
          () => "image: web:1\n        args: [--to=$(SVC), $(OTHER), $$(SVC)]",
        ),
      }),
    );
    expect(text).toContain('        - "--to=p-web"\n        - $(OTHER)\n        - $$(SVC)\n');
  });
});
