import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
});
afterEach(() => bench.close());

test("contexts are made of others, renamed, listed and deleted", async () => {
  expect(await succeed(bench, "config current-context")).toBe("home\n");
  expect(await succeed(bench, "config set-context shop --namespace=shop --server=b:1 --server=c:1")).toBe(
    'Context "shop" created.\n',
  );
  expect(await succeed(bench, "config set-context --current --namespace=x")).toBe('Context "home" modified.\n');
  expect(await succeed(bench, "config get-contexts")).toBe(
    "CURRENT   NAME   SERVERS   NAMESPACE\n*         home   a:7443    x\n          shop   b:1,c:1   shop\n",
  );
  expect(await succeed(bench, "config rename-context home work")).toBe('context "home" renamed to "work"\n');
  expect(await succeed(bench, "config get-contexts -o name")).toBe("work\nshop\n");
  expect(await succeed(bench, "config current-context")).toBe("work\n");
  expect(await succeed(bench, "config delete-context shop")).toMatch(/^deleted context shop from /);
  expect((await bench.run(["config", "delete-context", "work"])).err).toContain("it was the current context");
});

const refused = [
  { line: "config set-context", code: 2, err: "name one context, or say --current" },
  { line: "config set-context a --cluster=none", code: 3, err: 'context "none" is not in' },
  { line: "config delete-context none", code: 3, err: 'context "none" is not in' },
  { line: "config rename-context home home", code: 4, err: "already" },
];
test.each(refused)("$line", (row) => fail(bench, row));

test("requests are told and bounded as asked", async () => {
  const { err } = await bench.run(["get", "pods", "-v=6"]);
  expect(err).toMatch(/^Objects\.List a:7443 ok in \d+ ms\n/);
  expect((await bench.run(["get", "pod", "x", "-v8"])).err).toMatch(
    /^Objects\.Get a:7443 \{"name":\{"kind":"Pod".*\} not_found in/,
  );
  expect((await bench.run(["get", "pods", "--request-timeout=5s"])).code).toBe(0);
});

test("a completion script for each shell", async () => {
  for (const shell of ["bash", "zsh", "fish"])
    expect(await succeed(bench, `completion ${shell}`)).toContain("tsctl completion words -- ");
  await fail(bench, { line: "completion tcsh", code: 2, err: "name the shell: bash, zsh, fish" });
});
