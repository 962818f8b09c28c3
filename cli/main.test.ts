import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../test/kit/tsctl-bench.js";

const HELLO = `apiVersion: v1
kind: ConfigMap
metadata: {name: hello, labels: {app: hello}}
data: {GREETING: hi}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello, labels: {app: hello}}
spec:
  replicas: 2
  selector: {matchLabels: {app: hello}}
  template:
    metadata: {labels: {app: hello}}
    spec: {containers: [{name: web, image: "web:1"}]}
---
apiVersion: v1
kind: Service
metadata: {name: hello}
spec: {selector: {app: hello}, ports: [{port: 80}]}
`;

let bench: TsctlBench;

beforeEach(async () => {
  bench = await openTsctlBench();
  bench.files.set("hello.yaml", HELLO);
});

afterEach(() => bench.close());

/** Runs and requires success. */
async function ok(line: string): Promise<string> {
  const { code, out, err } = await bench.run(line.split(" "));
  expect(err).toBe("");
  expect(code).toBe(0);
  return out;
}

describe("apply", () => {
  test("tells what came of each object, and a second time that nothing changed", async () => {
    expect(await ok("apply -f hello.yaml")).toBe(
      "configmap/hello created\ndeployment.apps/hello created\nservice/hello created\n",
    );
    expect(await ok("apply -f hello.yaml")).toBe(
      "configmap/hello unchanged\ndeployment.apps/hello unchanged\nservice/hello unchanged\n",
    );
    bench.files.set("hello.yaml", HELLO.replace("hi", "ho"));
    expect(await ok("apply -f hello.yaml")).toContain("configmap/hello configured\n");
  });

  test("reads standard input, folders and folders in them", async () => {
    const { out } = await bench.run(["apply", "-f", "-"], { input: HELLO });
    expect(out).toContain("service/hello created");
    bench.files.set("all/a.yaml", HELLO.replaceAll("name: hello", "name: a"));
    bench.files.set("all/deep/b.json", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}');
    bench.files.set("all/readme.md", "not YAML: [");
    expect(await ok("apply -f all")).not.toContain("configmap/b");
    expect(await ok("apply -R -f all/")).toContain("configmap/b created");
  });

  test("with anything wrong in any file, writes nothing and tells all of it with its place", async () => {
    bench.files.set("broken.yaml", HELLO.replace("replicas: 2", "replicas: two").replace("port: 80", "prot: 80"));
    const { code, out, err } = await bench.run(["apply", "-f", "hello.yaml", "-f", "broken.yaml"]);
    expect(code).toBe(6);
    expect(out).toBe("");
    expect(err.split("\n")).toEqual([
      "error: broken.yaml:1:1: ConfigMap/default/hello stands at hello.yaml:1:1 too",
      "error: broken.yaml:6:1: Deployment/default/hello stands at hello.yaml:6:1 too",
      'error: broken.yaml:10:13: spec.replicas: want a whole number, found the string "two"',
      "error: broken.yaml:16:1: Service/default/hello stands at hello.yaml:16:1 too",
      'error: broken.yaml:19:41: spec.ports[0].prot: unknown field "prot", did you mean "port"?',
      "5 errors in 2 files, nothing was sent",
      "",
    ]);
    expect(await bench.api.list({ kind: "ConfigMap" })).toEqual([]);
  });

  test("names what has no effect, and refuses it with --strict", async () => {
    bench.files.set("odd.yaml", HELLO.replace("spec: {containers", "spec: {runtimeClassName: fast, containers"));
    const lenient = await bench.run(["apply", "-f", "odd.yaml"]);
    expect(lenient.code).toBe(0);
    expect(lenient.err).toBe(
      "warning: odd.yaml:14:12: spec.template.spec.runtimeClassName: accepted, not enforced: there is one runtime per node\n",
    );
    const strict = await bench.run(["apply", "-f", "odd.yaml", "--strict"]);
    expect(strict.code).toBe(6);
    expect(strict.err).toContain("not enforced, refused by --strict: there is one runtime per node");
  });

  test("a dry run writes nothing, on the client it needs no cluster", async () => {
    expect(await ok("apply -f hello.yaml --dry-run=server")).toContain(
      "deployment.apps/hello created (server dry run)",
    );
    expect(await bench.api.list({ kind: "ConfigMap" })).toEqual([]);
    bench.files.delete("/home/ann/.tallship/config");
    expect(await ok("apply -f hello.yaml --dry-run")).toContain("deployment.apps/hello valid (client dry run)");
  });

  test("the server's refusal carries the document's place, and what was not written is counted", async () => {
    bench.files.set(
      "ns.yaml",
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: nowhere}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
    );
    const { code, err, out } = await bench.run(["apply", "-f", "ns.yaml"]);
    expect(out).toBe("");
    expect(err).toContain("ns.yaml:1:1");
    expect(err).toContain("nowhere");
    expect(err).toContain("1 other object was not written");
    expect(code).toBe(3);
  });

  const refused = [
    { line: "apply", err: /name the files: -f FILE/, code: 2 },
    { line: "apply -f none.yaml", err: /read none.yaml: there is no such file or folder/, code: 6 },
    {
      line: "apply -f empty",
      err: /the folder has no .yaml, .yml or .json file; -R takes the folders in it too/,
      code: 6,
    },
    { line: "apply -f hello.yaml extra", err: /unexpected "extra"\nrun "tsctl help apply"/, code: 2 },
    {
      line: "apply -f hello.yaml --dry-run=maybe",
      err: /--dry-run is one of client, server, none, not "maybe"/,
      code: 2,
    },
    { line: "apply -f hello.yaml --filenam x", err: /unknown flag --filenam, did you mean --filename\?/, code: 2 },
    { line: "apply -f https://example.com/a.yaml", err: /files are not fetched from the net/, code: 1 },
    {
      line: "apply -f generated.yaml --dry-run",
      err: /generated.yaml:3:26: metadata.generateName: this command needs a name/,
      code: 6,
    },
    { line: "apply -f hello.yaml -n other", err: /namespace/, code: 3 },
  ];
  test.each(refused)("refuses $line", async ({ line, err: want, code: wantCode }) => {
    bench.files.set("empty/deep/x.yaml", HELLO);
    bench.files.set("generated.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: g-}\n");
    const { code, err } = await bench.run(line.split(" "));
    expect(err).toMatch(want);
    expect(code).toBe(wantCode);
  });
});

describe("get", () => {
  beforeEach(() => ok("apply -f hello.yaml"));

  test("prints kubectl's tables, with types when there are several", async () => {
    await bench.api.clock.advance(45_000);
    expect(await ok("get deployments")).toBe(
      "NAME    READY   UP-TO-DATE   AVAILABLE   AGE\nhello   0/2     0            0           45s\n",
    );
    expect(await ok("get deploy,cm -o wide")).toBe(
      [
        "NAME                    READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES   SELECTOR",
        "deployment.apps/hello   0/2     0            0           45s   web          web:1    app=hello",
        "",
        "NAME              DATA   AGE",
        "configmap/hello   1      45s",
        "",
      ].join("\n"),
    );
  });

  test("takes TYPE/NAME, TYPE NAME and selectors", async () => {
    expect(await ok("get deploy/hello cm/hello -o name")).toBe("deployment.apps/hello\nconfigmap/hello\n");
    expect(await ok("get cm hello -o name")).toBe("configmap/hello\n");
    expect(await ok("get cm -l app=hello -o name")).toBe("configmap/hello\n");
    expect(await ok("get cm --field-selector metadata.name!=hello -o name")).toBe("");
    expect(await ok("get -f hello.yaml -o name")).toBe("configmap/hello\ndeployment.apps/hello\nservice/hello\n");
  });

  test("an object as YAML or JSON never shows what the server keeps for itself", async () => {
    const yaml = await ok("get cm hello -o yaml");
    expect(yaml).toContain("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: hello\n");
    expect(yaml).toContain('resourceVersion: "');
    expect(yaml).not.toContain("applied");
    const list = JSON.parse(await ok("get cm -o json"));
    expect(list).toMatchObject({
      apiVersion: "v1",
      kind: "List",
      items: [{ kind: "ConfigMap", data: { GREETING: "hi" } }],
    });
    expect(JSON.parse(await ok("get deploy hello -o json"))).toMatchObject({
      kind: "Deployment",
      spec: { replicas: 2 },
    });
  });

  test("what it printed can be applied again", async () => {
    bench.files.set("again.yaml", await ok("get cm,deploy,svc -o yaml"));
    const { code, err } = await bench.run(["apply", "-f", "again.yaml"]);
    expect(err).toBe("");
    expect(code).toBe(0);
  });

  test("all namespaces have a column of their own", async () => {
    expect(await ok("get cm -A --no-headers --show-labels")).toMatch(/^default {3}hello {3}1 {5}\S+ +app=hello\n$/);
  });

  test("what is not there is named, the rest is printed", async () => {
    const { code, out, err } = await bench.run(["get", "cm", "hello", "none", "-o", "name"]);
    expect(out).toBe("configmap/hello\n");
    expect(err).toBe('error: configmap "none" in namespace default does not exist\n');
    expect(code).toBe(3);
    expect((await bench.run(["get", "cm", "none", "--ignore-not-found"])).code).toBe(0);
  });

  test("nothing is said to be nothing", async () => {
    const { code, out, err } = await bench.run(["get", "pods"]);
    expect({ code, out, err }).toEqual({ code: 0, out: "", err: "no objects found in namespace default\n" });
  });

  const refused = [
    { line: "get", err: /name the objects: TYPE, TYPE NAME or TYPE\/NAME/ },
    { line: "get pdo", err: /unknown type "pdo", did you mean "po/ },
    { line: "get pod/a b", err: /"b" is not TYPE\/NAME/ },
    { line: "get pod a -l x=y", err: /name objects or select them, not both/ },
    { line: "get pods -o html", err: /--output is one of|-o is one of wide, yaml, json, name/ },
  ];
  test.each(refused)("refuses $line", async ({ line, err: want }) => {
    const { code, err } = await bench.run(line.split(" "));
    expect(err).toMatch(want);
    expect(code).toBe(2);
  });

  test("a selector that makes no sense is input, not use", async () => {
    const { code, err } = await bench.run(["get", "pods", "-l", "app=we b"]);
    expect(err).toContain('label selector "app=we b"');
    expect(code).toBe(6);
  });
});
