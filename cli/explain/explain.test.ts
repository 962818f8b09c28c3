import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
});
afterEach(() => bench.close());

describe("explain", () => {
  test("tells a kind with its fields", async () => {
    const text = await succeed(bench, "explain deploy");
    expect(text).toMatch(/^GROUP: {6}apps\nKIND: {7}Deployment\nVERSION: {4}v1\n\nDESCRIPTION:\n {4}Keeps replicas/);
    expect(text).toContain("\nFIELDS:\n  apiVersion\t<string>\n");
    expect(text).toContain("\n  spec\t<DeploymentSpec>\n    ");
    expect(text).not.toContain("applied");
  });

  test("tells a field by its path, with what holds for it", async () => {
    expect(await succeed(bench, "explain deployments.spec.replicas")).toContain(
      "FIELD: replicas <integer>\n\nDESCRIPTION:\n    Number of pods wanted.\n    Default: 1.\n    Smallest: 0.\n",
    );
    expect(await succeed(bench, "explain deployment.apps.spec.template.spec.containers.name")).toContain(
      "FIELD: name <string> -required-",
    );
    expect(await succeed(bench, "explain pod.spec.containers")).toContain("FIELD: containers <[]Container> -required-");
  });

  test("lists everything below", async () => {
    const text = await succeed(bench, "explain pod.spec --recursive");
    expect(text).toContain("  containers\t<[]Container> -required-\n    name\t<string> -required-\n");
  });

  const refused = [
    { line: "explain", code: 2, err: "name one kind or field" },
    { line: "explain pods.spec.contaners", code: 3, err: 'there is no "contaners", did you mean "containers"?' },
    { line: "explain pod.spec.nodeName.x", code: 3, err: 'there is no "x"' },
    { line: "explain ingress --api-version=extensions/v1beta1", code: 3, err: "are of networking.k8s.io/v1, not" },
    { line: "explain pdo", code: 2, err: "did you mean" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));

  test("api-resources and api-versions name every kind", async () => {
    expect(await succeed(bench, "api-resources")).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect(await succeed(bench, "api-resources --api-group=apps -o name")).toContain("deployments.apps\n");
    expect(await succeed(bench, "api-resources --namespaced=false --no-headers")).toMatch(
      /^namespaces +ns +v1 +false/m,
    );
    const listed = await succeed(bench, "api-resources --verbs=list,get --namespaced -o name");
    expect(listed).toContain("pods\n");
    expect(listed).not.toContain("nodes\n");
    expect(await succeed(bench, "api-resources --verbs=fly --no-headers")).toBe("");
    expect((await succeed(bench, "api-resources --categories=all --sort-by=name -o name")).split("\n")[0]).toBe(
      "cronjobs.batch",
    );
    expect(await succeed(bench, "api-versions")).toContain("apps/v1\n");
    expect(await succeed(bench, "cluster-info")).toContain("Control plane is running at a:7443 (version 0.1.0)\n");
  });
});
