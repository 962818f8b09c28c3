import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type Ran, type TsctlBench } from "../../test/kit/tsctl-bench.js";

let bench: TsctlBench;

const config = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  K: ${value}\n`;

beforeEach(async () => {
  bench = await openTsctlBench();
  bench.files.set(
    "shop/kustomization.yaml",
    "resources: [a.yaml]\nconfigMapGenerator: [{name: gen, literals: [A=1]}]\n",
  );
  bench.files.set("shop/a.yaml", config("a", "one"));
});

afterEach(() => bench.close());

async function run(line: string, input?: { readonly input: string; readonly isTerminal: boolean }): Promise<Ran> {
  const ran = await bench.run(line.split(" "), input);
  await bench.api.caughtUp();
  return ran;
}

const out = async (line: string): Promise<string> => {
  const { out: text, err, code } = await run(line);
  expect([err, code]).toEqual(["", 0]);
  return text;
};

describe("-k", () => {
  test("apply, get, diff and delete take the folder of a kustomization", async () => {
    const printed = await out("kustomize shop");
    expect(await out("kustomize shop -o built.yaml")).toBe("");
    expect(bench.files.get("built.yaml")).toBe(printed);
    const [name = ""] = /gen-[a-z0-9]{10}/.exec(printed) ?? [];
    expect(await out("apply -k shop")).toBe(`configmap/a created\nconfigmap/${name} created\n`);
    expect(await out("apply -k shop/")).toBe(`configmap/a unchanged\nconfigmap/${name} unchanged\n`);
    expect(await out("get -k shop -o name")).toBe(`configmap/a\nconfigmap/${name}\n`);
    expect(await out("diff -k shop")).toBe("");
    bench.files.set(
      "shop/kustomization.yaml",
      "resources: [a.yaml]\nnamespace: kube-system\nconfigMapGenerator: [{name: gen, literals: [A=1]}]\n",
    );
    expect((await run("apply -k shop")).code).toBe(0);
    expect(await out("get -k shop -o jsonpath={.items[*].metadata.namespace}")).toBe("kube-system kube-system");
    expect(await out("delete -k shop")).toContain('configmap "a" deleted');
  });

  test("what is wrong is told at its file, and nothing is sent", async () => {
    bench.files.set("shop/kustomization.yaml", "resources: [a.yaml]\npatches: [{path: p.yaml}]\n");
    bench.files.set("shop/p.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndta: {K: x}\n");
    const { err, code } = await run("apply -k shop");
    expect(err).toBe(
      'error: shop/p.yaml:4:1: dta: unknown field "dta", did you mean "data"?\n1 error in 3 files, nothing was sent\n',
    );
    expect(code).toBe(6);
    expect((await run("apply -k none")).err).toContain("a kustomization is a folder, and there is none");
    expect((await run("apply -k shop -f x.yaml")).code).toBe(2);
  });
});

describe("diff", () => {
  test("shows the server's answer against what stands there, and says by its exit code whether they differ", async () => {
    bench.files.set("a.yaml", config("a", "one"));
    const fresh = await run("diff -f a.yaml");
    expect(fresh.code).toBe(1);
    expect(fresh.out).toContain(
      "--- live/v1.ConfigMap.default.a\n+++ merged/v1.ConfigMap.default.a\n@@ -0,0 +1,7 @@\n+apiVersion: v1\n",
    );
    await out("apply -f a.yaml");
    expect(await out("diff -f a.yaml")).toBe("");
    bench.files.set("a.yaml", config("a", "two"));
    const { out: text } = await run("diff -f a.yaml");
    expect(text).toContain("-  K: one\n+  K: two\n");
    const coloured = await run("diff -f a.yaml", { input: "", isTerminal: true });
    expect(coloured.out).toContain("\x1b[31m-  K: one\x1b[0m\n\x1b[32m+  K: two\x1b[0m\n");
    expect(await out("get configmap a -o jsonpath={.data.K}")).toBe("one");
  });

  test("does not show the values of Secrets", async () => {
    const secret = (value: string): string =>
      `{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {K: ${value}, L: same}}`;
    bench.files.set("s.yaml", secret("hidden"));
    await out("apply -f s.yaml");
    bench.files.set("s.yaml", secret("secret"));
    const { out: text } = await run("diff -f s.yaml");
    expect(text).toContain('-  K: "*** (before)"\n+  K: "*** (after)"\n   L: "***"\n');
    expect(text).not.toContain(Buffer.from("hidden").toString("base64"));
  });

  test("asks for objects one by one when the answer for all would be too large", async () => {
    const large = "x".repeat(900_000);
    bench.files.set("big.yaml", ["a", "b", "c", "d", "e"].map((name) => config(name, large)).join("---\n"));
    const { out: text, code } = await run("diff -f big.yaml");
    expect(code).toBe(1);
    expect(text.match(/^\+ {2}K: x{900000}$/gm)).toHaveLength(5);
  });

  test("fails with more than one", async () => {
    bench.files.set("a.yaml", config("a", "one").replace("name: a", "name: A"));
    expect((await run("diff -f a.yaml")).code).toBe(6);
    expect((await run("diff -f none.yaml")).code).toBe(6);
  });
});

describe("prune", () => {
  beforeEach(async () => {
    bench.files.set("set.yaml", `${config("a", "one")}---\n${config("b", "one")}`);
    await out("apply -f set.yaml");
    bench.files.set("set.yaml", config("a", "one"));
  });

  const PREVIEW = 'no longer in set set, to be deleted:\n  configmap "b" in namespace default\n';

  test("shows what it deletes, and asks", async () => {
    expect(await out("apply -f set.yaml --prune --dry-run=server")).toBe(
      "configmap/a unchanged (server dry run)\nconfigmap/b pruned (server dry run)\n",
    );
    expect((await run("diff -f set.yaml --prune")).out).toContain("-  K: one\n");
    const alone = await run("apply -f set.yaml --prune");
    expect(alone).toMatchObject({ code: 1, out: "" });
    expect(alone.err).toBe(`${PREVIEW}error: --prune asks before it deletes this object; --yes agrees\n`);
    const no = await run("apply -f set.yaml --prune", { input: "n\n", isTerminal: true });
    expect(no.err).toBe(`${PREVIEW}delete this object? [y/N] error: not agreed to, nothing was sent\n`);
    expect(await out("get configmap -o name")).toContain("configmap/b\n");
    const yes = await run("apply -f set.yaml --prune", { input: "y\n", isTerminal: true });
    expect(yes).toMatchObject({ code: 0, out: "configmap/a unchanged\nconfigmap/b pruned\n" });
    expect(await out("get configmap -o name")).toBe("configmap/a\n");
  });

  test("does so unasked with --yes, and needs the name of the set", async () => {
    expect(await run("apply -f set.yaml --prune --yes")).toMatchObject({ code: 0, err: PREVIEW });
    expect(await out("apply -f set.yaml --prune")).toBe("configmap/a unchanged\n");
    const { code, err } = await run("apply -f - --prune", { input: config("a", "one"), isTerminal: false });
    expect([code, err.split("\n")[0]]).toEqual([2, "error: --prune needs to know the set: name it with --set"]);
  });
});

describe("undo", () => {
  test("brings the set back, lists, and can be undone", async () => {
    await out("apply -k shop");
    bench.files.set(
      "shop/kustomization.yaml",
      "resources: [a.yaml]\nconfigMapGenerator: [{name: gen, literals: [A=2]}]\n",
    );
    bench.files.set("shop/a.yaml", config("a", "two"));
    await run("apply -k shop --prune --yes");
    const tried = await out("undo --dry-run=server");
    expect(tried).toMatch(
      /^configmap\/a configured \(server dry run\)\nconfigmap\/gen-\w+ created \(server dry run\)\nconfigmap\/gen-\w+ deleted \(server dry run\)\n$/,
    );
    expect(await out("undo shop")).toBe(
      `${tried.replaceAll(" (server dry run)", "")}set shop is brought back, as shop-3\n`,
    );
    expect(await out("get configmap a -o jsonpath={.data.K}")).toBe("one");
    expect((await out("undo --list")).split("\n").map((line) => line.split(/ +/).slice(0, 4))).toEqual([
      ["SET", "REVISION", "OBJECTS", "STATUS"],
      ["shop", "1", "2", "done"],
      ["shop", "2", "2", "done"],
      ["shop", "3", "2", "done"],
      [""],
    ]);
    await out("undo --wait");
    expect(await out("get configmap a -o jsonpath={.data.K}")).toBe("two");
  });

  test("does not guess, and says what it cannot find", async () => {
    expect((await run("undo")).err).toBe("error: no set was applied in namespace default\n");
    await out("apply -k shop");
    expect((await run("undo shop")).err).toBe('error: undo set "shop": there is nothing to go back to, only 1\n');
    await out("apply -f shop/a.yaml --set other");
    const { code, err } = await run("undo");
    expect([code, err.split("\n")[0]]).toEqual([2, "error: namespace default has 2 sets, name one: other, shop"]);
  });
});

test("a selector takes a part of the files, as a set of its own, and does not prune", async () => {
  const labelled = config("b", "one").replace("name: b", "name: b\n  labels: {tier: web}");
  bench.files.set("two.yaml", `${config("a", "one")}---\n${labelled}`);
  expect(await out("apply -f two.yaml -l tier=web --server-side")).toBe("configmap/b created\n");
  expect((await run("diff -f two.yaml -l tier=web")).code).toBe(0);
  expect((await run("diff -f two.yaml")).code).toBe(1);
  expect((await run("apply -f two.yaml -l tier=web --prune")).err).toContain("--prune needs the whole set");
  expect((await out("undo --list")).includes("two")).toBe(false);
});
