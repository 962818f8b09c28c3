import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, WEB } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("set", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(WEB));
    await bench.api.create(
      objectOf(
        '{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {log-level: x, "no": y}}',
      ),
    );
    await bench.api.create(
      objectOf(
        "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: default}, spec: {selector: {app: web, old: x}, ports: [{port: 80}]}}",
      ),
    );
  });

  const field = (path: string): Promise<string> => succeed(bench, `get deploy web -o jsonpath={${path}}`);
  const container = ".spec.template.spec.containers[0]";

  test("image: by container or all, and silence when it is so already", async () => {
    expect(await succeed(bench, "set image deploy/web main=i:2")).toBe("deployment.apps/web image updated\n");
    expect(await field(`${container}.image`)).toBe("i:2");
    expect(await succeed(bench, "set image deploy web *=i:3")).toBe("deployment.apps/web image updated\n");
    expect(await succeed(bench, "set image deploy web main=i:3")).toBe("");
    expect(await succeed(bench, "get deploy web -o jsonpath={.metadata.generation}")).toBe("3");
  });

  test("--local changes what a file holds, prints it and leaves the cluster as it is", async () => {
    bench.files.set("web.yaml", WEB);
    const out = await succeed(bench, "set image -f web.yaml --local -o yaml main=i:9");
    expect(out).toContain("image: i:9");
    expect(await field(`${container}.image`)).not.toBe("i:9");
    expect(await succeed(bench, "set env -f web.yaml --local A=1")).toBe("deployment.apps/web env updated\n");
    await fail(bench, { line: "set image deploy/web --local main=i:9", code: 2, err: "name them with -f or -k" });
  });

  test("resources: set, kept beside others, removed by zero", async () => {
    await succeed(bench, "set resources deploy/web --limits=cpu=200m,memory=64Mi --requests=cpu=100m");
    await succeed(bench, "set resources deploy/web --limits=memory=0");
    expect(await field(`${container}.resources`)).toBe('{"limits":{"cpu":"200m"},"requests":{"cpu":"100m"}}');
  });

  test("env: set, replaced, removed, taken from a config, listed", async () => {
    expect(await succeed(bench, "set env deploy/web A=1 B=2")).toBe("deployment.apps/web env updated\n");
    await succeed(bench, "set env deploy/web A=3 B-");
    expect(await field(`${container}.env`)).toBe('[{"name":"A","value":"3"}]');
    await succeed(bench, "set env deploy/web --from=configmap/c --prefix=X_ --keys=log-level");
    await succeed(bench, "set env deploy/web --from=cm/c --keys=no A=4");
    expect(await succeed(bench, "set env deploy/web --list")).toBe(
      "# deployment.apps/web, container main\nA=4\n# X_LOG_LEVEL from configmap c, key log-level\n# NO from configmap c, key no\n",
    );
    await succeed(bench, "set env deploy/web NO=plain");
    expect(await field(`${container}.env[?(@.name=="NO")]`)).toBe('{"name":"NO","value":"plain"}');
  });

  test("selector and serviceaccount", async () => {
    expect(await succeed(bench, "set selector service s app=db,tier=x")).toBe("service/s selector updated\n");
    expect(await succeed(bench, "get svc s -o jsonpath={.spec.selector}")).toBe('{"app":"db","tier":"x"}');
    const { out } = await bench.run(["set", "serviceaccount", "deploy", "web", "bob"]);
    expect(out).toBe("deployment.apps/web serviceaccount updated\n");
    expect(await field(".spec.template.spec.serviceAccountName")).toBe("bob");
    expect((await bench.run(["set"])).err).toContain("tsctl set image");
  });

  const refused = [
    { line: "set image deploy/web none=i", code: 3, err: 'unable to find container named "none"' },
    { line: "set image deploy/web", code: 2, err: "say which image: CONTAINER=IMAGE" },
    { line: "set image svc/s main=i", code: 2, err: "services have no containers" },
    { line: "set env deploy/web", code: 2, err: "say what to set" },
    { line: "set resources deploy/web --limits=cpu", code: 2, err: '"cpu" is not RESOURCE=AMOUNT' },
    { line: "set selector deploy web a=b", code: 2, err: "only services have a selector that may change" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});
