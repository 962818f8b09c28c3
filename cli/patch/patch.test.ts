import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, WEB } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("patch", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(WEB));
  });

  const patch = (...words: readonly string[]) => bench.run(["patch", "deploy", "web", ...words]);
  const field = (path: string): Promise<string> => succeed(bench, `get deploy web -o jsonpath={.${path}}`);

  test("a strategic patch finds containers by name, a merge patch replaces the list, a JSON patch goes by place", async () => {
    const sidecar = '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}';
    expect(await patch("-p", sidecar)).toEqual({ code: 0, out: "deployment.apps/web patched\n", err: "" });
    expect(await field("spec.template.spec.containers[*].name")).toBe("main side");
    expect((await patch("-p", sidecar)).out).toBe("deployment.apps/web patched (no change)\n");
    await patch("--type=merge", "-p", sidecar);
    expect(await field("spec.template.spec.containers[*].name")).toBe("side");
    await patch("--type=json", "-p", '[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"t"}]');
    expect(await field("spec.template.spec.containers[*].image")).toBe("t");
  });

  test("patches come from files, in YAML too, and are tried out", async () => {
    bench.files.set("p.yaml", "spec:\n  replicas: 7\n");
    expect((await patch("--patch-file", "p.yaml", "--dry-run=server")).out).toBe(
      "deployment.apps/web patched (server dry run)\n",
    );
    expect(await field("spec.replicas")).toBe("2");
    expect((await patch("--patch-file", "p.yaml", "-o", "jsonpath={.spec.replicas}")).out).toBe("7");
  });

  test("a field that is accepted without effect is told once, when the patch brings it", async () => {
    const spread = '{"spec":{"template":{"spec":{"runtimeClassName":"x"}}}}';
    const { code, err } = await patch("-p", spread);
    expect(code).toBe(0);
    expect(err).toContain("warning: spec.template.spec.runtimeClassName: accepted, not enforced");
    expect((await patch("-p", '{"spec":{"replicas":3}}')).err).toBe("");
  });

  test("--subresource=scale changes the number of replicas, and nothing else", async () => {
    const scale = (text: string, ...more: readonly string[]) =>
      bench.run(["patch", "deploy", "web", "--subresource=scale", "-p", text, ...more]);
    expect(await scale("{spec: {replicas: 7}}")).toMatchObject({ code: 0, out: "deployment.apps/web patched\n" });
    const operation = "[{op: replace, path: /spec/replicas, value: 7}]";
    expect((await scale(operation, "--type=json")).out).toBe("deployment.apps/web patched (no change)\n");
    expect((await scale("{spec: {replicas: 7, paused: true}}")).code).toBe(2);
    expect((await scale("[{op: remove, path: /spec/template}]", "--type=json")).code).toBe(2);
    expect((await bench.run("patch node n --subresource=scale -p {}".split(" "))).code).toBe(3);
  });

  test("--subresource=resize changes resources of a pod, and nothing else", async () => {
    const resources = "resources: {limits: {cpu: '1'}, requests: {cpu: 500m}}";
    await bench.api.create(
      objectOf(
        `{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default}, spec: {containers: [{name: c, image: i, ${resources}}]}}`,
      ),
    );
    const resize = (text: string, ...more: readonly string[]) =>
      bench.run(["patch", "pod", "p", "--subresource", "resize", "-p", text, ...more]);
    expect(await resize("{spec: {containers: [{name: c, resources: {limits: {cpu: '2'}}}]}}")).toMatchObject({
      out: "pod/p patched\n",
    });
    expect(await succeed(bench, "get pod p -o jsonpath={.spec.containers[0].resources.limits.cpu}")).toBe("2");
    const operation = '[{"op":"replace","path":"/spec/containers/0/resources/limits/cpu","value":"3"}]';
    expect((await resize(operation, "--type=json")).code).toBe(0);
    const elsewhere = await resize("{spec: {containers: [{name: c, image: other}]}}");
    expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining("changes resources of containers") });
    const path = '[{"op":"replace","path":"/metadata/labels","value":{}}]';
    expect((await resize(path, "--type=json")).code).toBe(2);
    const deployment = await patch("--subresource=resize", "-p", "{spec: {containers: []}}");
    expect(deployment.err).toContain("Deployment has no subresource resize: pods have");
  });

  test("--subresource=status changes what a controller of one's own says, and nothing else", async () => {
    await bench.api.create(
      objectOf(
        "{apiVersion: v1, kind: Pod, metadata: {name: g, namespace: default}, spec: {containers: [{name: c, image: i}]}}",
      ),
    );
    const say = (text: string, ...more: readonly string[]) =>
      bench.run(["patch", "pod", "g", "--subresource", "status", "-p", text, ...more]);
    const ok = '{status: {conditions: [{type: example.com/ok, status: "True"}]}}';
    expect(await say(ok)).toMatchObject({ out: "pod/g patched\n", err: "" });
    expect(await say(ok)).toMatchObject({ out: "pod/g patched (no change)\n" });
    expect(await succeed(bench, "get pod g -o jsonpath={.status.conditions[*].type}")).toBe("example.com/ok");
    expect(await say("{metadata: {labels: {a: b}}}")).toMatchObject({
      code: 2,
      err: expect.stringContaining("and nothing else"),
    });
    expect((await say('[{"op":"add","path":"/metadata/labels/a","value":"b"}]', "--type=json")).code).toBe(2);
    expect((await say("{status: {phase: Sleeping}}")).err).toContain("status.phase");
    expect((await say(ok, "--dry-run=server")).code).toBe(2);
  });

  const refused: readonly { readonly words: readonly string[]; readonly code: number; readonly err: string }[] = [
    { words: ["-p", '{"spec":{"replicsa":1}}'], code: 6, err: "patch:1:" },
    { words: ["-p", '{"metadata":{"name":"other"}}'], code: 6, err: "a patch cannot make" },
    { words: ["-p", "[]"], code: 2, err: "a list of operations needs --type=json" },
    { words: ["--type=json", "-p", "{}"], code: 2, err: "a patch of --type=json is a list" },
    { words: ["-p", "{"], code: 6, err: "patch:1:" },
    { words: [], code: 2, err: "give the patch" },
    { words: ["-p", '{"spec":{"replicas":-1}}'], code: 6, err: "spec.replicas" },
  ];
  test.each(refused)("refuses $words", async ({ words, code: want, err: part }) => {
    const { code, err } = await patch(...words);
    expect(err).toContain(part);
    expect(code).toBe(want);
  });
});
