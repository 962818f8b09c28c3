import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, succeed, WEB } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
});
afterEach(() => bench.close());

const json = async (line: string): Promise<Record<string, unknown>> => JSON.parse(await succeed(bench, line));

describe("create -f", () => {
  test("creates, makes names up, and refuses what is there", async () => {
    bench.files.set(
      "x.yaml",
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {generateName: b-}}\n",
    );
    expect(await succeed(bench, "create -f x.yaml")).toMatch(/^configmap\/a created\nconfigmap\/b-\w{5} created\n$/);
    const { code, out, err } = await bench.run(["create", "-f", "x.yaml"]);
    expect(err).toContain("error: x.yaml:1:1: create ConfigMap/default/a: there is one already\n");
    expect(out).toMatch(/^configmap\/b-\w{5} created\n$/);
    expect(code).toBe(4);
  });
});

describe("create without a file", () => {
  test("namespace, service account, quota, priority class", async () => {
    expect(await succeed(bench, "create ns team")).toBe("namespace/team created\n");
    expect(await succeed(bench, "create serviceaccount bob -n team")).toBe("serviceaccount/bob created\n");
    expect(await succeed(bench, "create quota q --hard=pods=3,requests.cpu=2")).toBe("resourcequota/q created\n");
    expect(await succeed(bench, "create priorityclass high --value=100")).toBe(
      "priorityclass.scheduling.k8s.io/high created\n",
    );
  });

  test("configs of literals, files, folders and environments", async () => {
    bench.files.set("conf.d/a.conf", "A\n");
    bench.files.set("conf.d/b.conf", "B\n");
    bench.files.set("one.txt", "1");
    bench.files.set("x.env", "# comment\nLEVEL=info\n\nHOME\n");
    await succeed(
      bench,
      "create configmap c --from-literal=k=v=w --from-file=conf.d --from-file=two=one.txt --from-file=one.txt --from-env-file=x.env",
    );
    expect((await json("get cm c -o json"))["data"]).toEqual({
      k: "v=w",
      "a.conf": "A\n",
      "b.conf": "B\n",
      "one.txt": "1",
      two: "1",
      LEVEL: "info",
      HOME: "/home/ann",
    });
  });

  test("secrets of each form", async () => {
    bench.files.set("tls.crt", "C");
    bench.files.set("tls.key", "K");
    await succeed(bench, "create secret generic g --from-literal=password=x");
    expect((await json("get secret g -o json"))["data"]).toEqual({ password: "eA==" });
    await succeed(bench, "create secret tls t --cert=tls.crt --key=tls.key");
    expect(await succeed(bench, "get secret t -o jsonpath={.type}")).toBe("kubernetes.io/tls");
    await succeed(bench, "create secret docker-registry r --docker-server=h --docker-username=u --docker-password=p");
    const encoded = await succeed(bench, "get secret r -o jsonpath={.data['.dockerconfigjson']}");
    expect(JSON.parse(Buffer.from(encoded, "base64").toString())).toEqual({
      auths: { h: { username: "u", password: "p", auth: "dTpw" } },
    });
  });

  test("workloads, and a file printed instead of a write", async () => {
    const { out } = await bench.run([
      "create",
      "deployment",
      "web",
      "--image=r/web:1",
      "--replicas=2",
      "--dry-run=client",
      "-o",
      "yaml",
      "--",
      "serve",
      "-v",
    ]);
    expect(out).toContain("kind: Deployment\n");
    expect(out).toContain(
      '      - name: web\n        image: r/web:1\n        command:\n        - serve\n        - "-v"\n',
    );
    expect(await succeed(bench, "get deploy -o name")).toBe("");
    await succeed(bench, "create cronjob tick --image=i --schedule=@hourly");
    await succeed(bench, "create job now --from=cronjob/tick");
    expect(await succeed(bench, "get job now -o jsonpath={.metadata.ownerReferences[0].name}")).toBe("tick");
    await succeed(bench, "create job once --image=i");
  });

  test("services", async () => {
    await succeed(bench, "create service clusterip s --tcp=80:http --tcp=443");
    expect(await succeed(bench, "get svc s -o jsonpath={.spec.ports[*].name}{.spec.selector}")).toBe(
      '80-http 443{"app":"s"}',
    );
    await succeed(bench, "create svc externalname e --external-name=example.org");
    await succeed(bench, "create service nodeport n --tcp=80 --node-port=30080");
  });

  const refused = [
    { line: "create", code: 2, err: "name the files: -f FILE" },
    { line: "create gadget x", code: 2, err: '"gadget" cannot be created by flags, only namespace, configmap' },
    { line: "create namespace", code: 2, err: "name the namespace" },
    { line: "create namespace A", code: 6, err: "metadata.name: want" },
    { line: "create secret x", code: 2, err: "name the form of the secret" },
    { line: "create configmap c --from-literal=a=1 --from-literal=a=2", code: 2, err: 'key "a" is given twice' },
    { line: "create configmap c --from-file=none", code: 6, err: "there is no such file or folder" },
    { line: "create deployment d", code: 2, err: "say which image" },
    { line: "create service clusterip s", code: 2, err: "say which port" },
    { line: "create service s", code: 2, err: "name the form of the service" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));
});

describe("replace and autoscale", () => {
  beforeEach(() => bench.api.create(objectOf(WEB)));

  test("replace drops what the file leaves out, --force gives another uid", async () => {
    await succeed(bench, "annotate deploy web why=x");
    bench.files.set("web.yaml", WEB);
    expect(await succeed(bench, "replace -f web.yaml")).toBe("deployment.apps/web replaced\n");
    expect(await succeed(bench, "get deploy web -o jsonpath={.metadata.annotations}")).toBe("");
    const uid = await succeed(bench, "get deploy web -o jsonpath={.metadata.uid}");
    bench.files.set("web.yaml", WEB.replace("default}", "default, resourceVersion: '1'}"));
    await fail(bench, { line: "replace -f web.yaml", code: 4, err: "read version 1" });
    expect(await succeed(bench, "replace -f web.yaml --force")).toBe("deployment.apps/web replaced\n");
    expect(await succeed(bench, "get deploy web -o jsonpath={.metadata.uid}")).not.toBe(uid);
    bench.files.set("none.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: none}}");
    expect((await bench.run(["replace", "-f", "none.yaml"])).code).toBe(3);
  });

  test("autoscale makes an autoscaler", async () => {
    expect(await succeed(bench, "autoscale deploy/web --min=2 --max=5 --cpu-percent=70")).toBe(
      "horizontalpodautoscaler.autoscaling/web autoscaled\n",
    );
    expect(
      await succeed(bench, "get hpa web -o jsonpath={.spec.minReplicas}-{.spec.maxReplicas}-{..averageUtilization}"),
    ).toBe("2-5-70");
    await fail(bench, { line: "autoscale deploy/web", code: 2, err: "say how many at most" });
  });
});
