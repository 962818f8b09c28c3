import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, WEB } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("scale", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(WEB));
  });

  test("sets the number of replicas and keeps it through the next apply of a file without one", async () => {
    expect(await succeed(bench, "scale deploy/web --replicas=5")).toBe("deployment.apps/web scaled\n");
    expect(JSON.parse(await succeed(bench, "get deploy web -o json")).spec.replicas).toBe(5);
    bench.files.set("web.yaml", WEB.replace("replicas: 2, ", ""));
    await succeed(bench, "apply -f web.yaml");
    expect(JSON.parse(await succeed(bench, "get deploy web -o json")).spec.replicas).toBe(5);
    expect(await succeed(bench, "scale deploy web --replicas=0")).toBe("deployment.apps/web scaled\n");
    expect(JSON.parse(await succeed(bench, "get deploy web -o json")).spec.replicas).toBe(0);
  });

  const refused = [
    { line: "scale deploy/web", code: 2, err: "say how many: --replicas=N" },
    { line: "scale deploy --replicas=1", code: 2, err: "name the deployments to scale" },
    { line: "scale pod/web --replicas=1", code: 2, err: "pods cannot be scaled" },
    { line: "scale deploy/none --replicas=1", code: 3, err: "does not exist" },
    { line: "scale deploy/web --replicas=1 --current-replicas=4", code: 1, err: "2 replicas are wanted now, not 4" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
