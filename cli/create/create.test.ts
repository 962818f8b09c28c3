import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { testAuthority } from "../../test/kit/test-authority.js";
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
    const [pair, other] = [testAuthority("a"), testAuthority("b")];
    bench.files.set("tls.crt", pair.certificatePem);
    bench.files.set("tls.key", other.keyPem);
    const tls = "create secret tls t --cert=tls.crt --key=tls.key";
    await fail(bench, { line: tls, code: 6, err: "the key is not that of the certificate" });
    bench.files.set("none.key", "");
    await fail(bench, {
      line: tls.replace("tls.key", "none.key"),
      code: 6,
      err: "want a certificate and its key in PEM",
    });
    bench.files.set("tls.key", pair.keyPem);
    await succeed(bench, "create secret generic g --from-literal=password=x");
    expect((await json("get secret g -o json"))["data"]).toEqual({ password: "eA==" });
    await succeed(bench, tls);
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

  test("autoscale takes goals as newer kubectls do", async () => {
    const metrics = "-o jsonpath={.spec.metrics[*].resource} --dry-run=client";
    expect(await succeed(bench, `autoscale deploy/web --max=5 --cpu=70% --memory=200Mi ${metrics}`)).toBe(
      '{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}} {"name":"memory","target":{"type":"AverageValue","averageValue":"200Mi"}}',
    );
    await fail(bench, { line: "autoscale deploy/web --max=5 --cpu=7 --cpu-percent=7", code: 2, err: "two answers" });
  });

  test("autoscale makes an autoscaler", async () => {
    expect(await succeed(bench, "autoscale deploy/web --min=2 --max=5 --cpu-percent=70")).toBe(
      "horizontalpodautoscaler.autoscaling/web autoscaled\n",
    );
    expect(
      await succeed(bench, "get hpa web -o jsonpath={.spec.minReplicas}-{.spec.maxReplicas}-{..averageUtilization}"),
    ).toBe("2-5-70");
    await fail(bench, {
      line: "autoscale deploy/none --max=3",
      code: 3,
      err: 'deployment.apps "none" in namespace default does not exist',
    });
    await fail(bench, { line: "autoscale deploy/web", code: 2, err: "say how many at most" });
  });
});

// Each `want` is what kubectl prints for the same command line, without what the server writes.
describe("create and expose make what kubectl makes", () => {
  const rows = [
    {
      line: "create pdb x --selector=app=a,tier=b --min-available=50%",
      want: { spec: { minAvailable: "50%", selector: { matchLabels: { app: "a", tier: "b" } } } },
    },
    {
      line: "create ingress i --rule=foo.com/*=svc:8080,tls=sec --rule=bar.com/x=svc:http --rule=/p*=s2:80 --class=c --annotation=a=b=c --default-backend=d:80",
      want: {
        metadata: { name: "i", annotations: { a: "b=c" } },
        spec: {
          ingressClassName: "c",
          defaultBackend: { service: { name: "d", port: { number: 80 } } },
          tls: [{ hosts: ["foo.com"], secretName: "sec" }],
          rules: [
            { host: "foo.com", http: { paths: [pathTo("/", "Prefix", "svc", { number: 8080 })] } },
            { host: "bar.com", http: { paths: [pathTo("/x", "Exact", "svc", { name: "http" })] } },
            { http: { paths: [pathTo("/p", "Prefix", "s2", { number: 80 })] } },
          ],
        },
      },
    },
    {
      line: "create role r --verb=get,list --resource=pods,deploy/scale,widgets.example.com --resource-name=a",
      want: {
        kind: "Role",
        rules: [
          { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"], resourceNames: ["a"] },
          { verbs: ["get", "list"], apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["a"] },
          { verbs: ["get", "list"], apiGroups: ["example.com"], resources: ["widgets"], resourceNames: ["a"] },
        ],
      },
    },
    {
      line: "create clusterrole c --verb=get --non-resource-url=/healthz",
      want: { kind: "ClusterRole", rules: [{ nonResourceURLs: ["/healthz"], verbs: ["get"] }] },
    },
    {
      line: "create clusterrole c --aggregation-rule=a=b",
      want: { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } },
    },
    {
      line: "create rolebinding rb --clusterrole=edit --user=ann --group=g --serviceaccount=ns:sa",
      want: {
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
        subjects: [
          { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "ann" },
          { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "g" },
          { kind: "ServiceAccount", name: "sa", namespace: "ns" },
        ],
      },
    },
    {
      line: "create clusterrolebinding b --clusterrole=edit --user=ann,bob",
      want: {
        kind: "ClusterRoleBinding",
        roleRef: { kind: "ClusterRole" },
        subjects: [{ name: "ann" }, { name: "bob" }],
      },
    },
    {
      line: "expose deploy/web --port=80 --target-port=http --type=NodePort",
      want: {
        kind: "Service",
        metadata: { name: "web" },
        spec: {
          type: "NodePort",
          selector: { app: "web" },
          ports: [{ port: 80, protocol: "TCP", targetPort: "http" }],
        },
      },
    },
  ];
  test.each(rows)("$line", async ({ line, want }) => {
    await bench.api.create(objectOf(WEB));
    expect(await json(`${line} --dry-run=client -o json`)).toMatchObject(want);
    await succeed(bench, line);
  });

  const refused = [
    { line: "create role r --resource=pods", code: 2, err: "say what may be done" },
    { line: "create role r --verb=get --resource=widgets", code: 2, err: 'there is no resource "widgets"' },
    { line: "create rolebinding b --user=ann", code: 2, err: "--role or --clusterrole" },
    { line: "create rolebinding b --role=r --serviceaccount=sa", code: 2, err: '"sa" is not NAMESPACE:NAME' },
    { line: "create ingress i --rule=web:80", code: 2, err: '"web:80" is not HOST/PATH=SERVICE:PORT' },
    { line: "create pdb p --selector=a=b", code: 2, err: "--min-available or --max-unavailable" },
    { line: "expose deploy/web", code: 2, err: "no container names its ports" },
  ];
  test.each(refused)("$line is refused", async (row) => {
    await bench.api.create(objectOf(WEB));
    await fail(bench, row);
  });
});

function pathTo(path: string, pathType: string, name: string, port: object): object {
  return { path, pathType, backend: { service: { name, port } } };
}

test("subjects are added to a binding once, and to nothing else", async () => {
  await succeed(bench, "create rolebinding b --role=r --user=ann");
  expect(await succeed(bench, "set subject rolebinding/b --user=ann,bob")).toBe(
    "rolebinding.rbac.authorization.k8s.io/b subjects updated\n",
  );
  expect(await succeed(bench, "set subject rolebinding/b --user=bob")).toContain("unchanged");
  expect(await succeed(bench, "get rolebinding b -o jsonpath={.subjects[*].name}")).toBe("ann bob");
  await bench.api.create(objectOf(WEB));
  await fail(bench, { line: "set subject deploy/web --user=ann", code: 2, err: "deployments have no subjects" });
});
