import { afterEach, describe, expect, test } from "vitest";
import { TallshipError } from "../lib/errors.js";
import { CreateTokenResponse, ListTokensResponse } from "../proto/gen/tallship/v1/api.js";
import { openTsctlBench, type TsctlBench } from "../test/kit/tsctl-bench.js";
import { objectOf, podText, succeed, WEB, writeStatus } from "../test/kit/tsctl-steps.js";
import { waitFor } from "../test/kit/wait.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("the rest", () => {
  test("events are in order, and only of the object asked for", async () => {
    bench = await openTsctlBench();
    const event = (name: string, about: string, atS: number): string =>
      `{apiVersion: v1, kind: Event, metadata: {name: ${name}, namespace: default}, involvedObject: {kind: Pod, namespace: default, name: ${about}}, reason: R${name}, type: ${name === "e2" ? "Warning" : "Normal"}, message: m, lastTimestamp: "2023-11-14T22:13:${atS}Z"}`;
    for (const text of [event("e1", "a", 19), event("e2", "b", 15), event("e3", "a", 10)])
      await bench.api.create(objectOf(text));
    expect(await succeed(bench, "events")).toBe(
      "LAST SEEN   TYPE      REASON   OBJECT   MESSAGE\n10s         Normal    Re3      pod/a    m\n5s          Warning   Re2      pod/b    m\n1s          Normal    Re1      pod/a    m\n",
    );
    expect(await succeed(bench, "events --for pod/a -o name")).toBe("event/e3\nevent/e1\n");
    expect(await succeed(bench, "events --types Warning --no-headers")).toContain("Re2");
    // As Docker's users ask. It is 22:13:20.
    const form = ["--format", "{{.Time}} {{.Type}} {{.Action}} {{.Actor.Attributes.name}}"];
    const asked = async (...words: readonly string[]) => (await bench.run(["events", ...form, ...words])).out;
    expect(await asked("--since", "6s")).toBe("1699999995 pod Re2 b\n1699999999 pod Re1 a\n");
    expect(await asked("--until", "2023-11-14T22:13:15Z")).toBe("1699999990 pod Re3 a\n1699999995 pod Re2 b\n");
    expect(await asked("--filter", "container=a", "--filter", "event=re1")).toBe("1699999999 pod Re1 a\n");
    expect(await asked("-f", "type=node")).toBe("");
    expect(JSON.parse(await succeed(bench, "events --format json --since 1699999999"))).toMatchObject({
      ...{ Type: "pod", Action: "Re1", Actor: { Attributes: { name: "a", namespace: "default", message: "m" } } },
    });
    const wrong = await bench.run(["events", "--filter", "image=web"]);
    expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("--filter is type=, event=") });
    const following = bench.start(["events", "--no-headers", "--until", "2023-11-14T22:13:22Z"]);
    await bench.api.create(objectOf(event("e4", "late", 21)));
    await waitFor("it to be told", () => following.out().includes("Re4"));
    await bench.api.clock.advance(3_000);
    expect((await following.ended).code).toBe(0);
  });

  test("what others wrote into objects cannot steer the terminal", async () => {
    bench = await openTsctlBench();
    await bench.api.create(
      objectOf(
        '{apiVersion: v1, kind: Event, metadata: {name: e, namespace: default}, involvedObject: {kind: Pod, name: a}, reason: R, type: Normal, message: "a\\e[2Jb\\nc", lastTimestamp: "2023-11-14T22:13:19Z"}',
      ),
    );
    expect(await succeed(bench, "events")).toContain("a\\x1b[2Jb c\n");
    await bench.api.create(
      objectOf('{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: default}, data: {k: "x\\ey\\tz\\n"}}'),
    );
    expect(await succeed(bench, "describe cm c")).toContain("  k:\n  ----\n  x\\x1by\tz\n");
  });

  test("tokens: made, listed, revoked", async () => {
    const revoked: string[] = [];
    bench = await openTsctlBench({
      cluster: {
        createToken: async ({ role, ttlSeconds, uses }) =>
          CreateTokenResponse.fromPartial({ token: `TSJ1.pin.${role}-${ttlSeconds}-${uses}.secret.addr` }),
        listTokens: async () =>
          ListTokensResponse.fromPartial({
            tokens: [
              {
                id: "t1",
                role: "worker",
                usesLeft: -1,
                expiresAt: "2023-11-14T23:13:20Z",
                createdAt: "2023-11-14T22:13:20Z",
              },
            ],
          }),
        revokeToken: async ({ id }) => {
          if (id === "none") throw new TallshipError("not_found", "token none does not exist");
          revoked.push(id);
          return {};
        },
      },
    });
    expect(await succeed(bench, "token create")).toBe("TSJ1.pin.worker-0-0.secret.addr\n");
    expect(await succeed(bench, "token create --role control-plane --ttl 10m --uses 1")).toContain(
      "control-plane-600-1",
    );
    expect(await succeed(bench, "token list")).toBe(
      "ID    ROLE     USES LEFT   EXPIRES IN   AGE\nt1    worker   any         60m          0s\n",
    );
    expect(await succeed(bench, "token revoke t1 TSJ1.pin.t2.secret.addr")).toBe(
      "token t1 revoked\ntoken t2 revoked\n",
    );
    expect(revoked).toEqual(["t1", "t2"]);
    expect((await bench.run(["token", "revoke", "none"])).code).toBe(3);
    expect((await bench.run(["token"])).err).toContain("tsctl token create");
  });

  test("contexts are shown without keys, chosen and given a namespace", async () => {
    bench = await openTsctlBench();
    const { out } = await bench.run(["config", "view"]);
    expect(out).toBe("CURRENT   NAME   SERVERS   NAMESPACE\n*         home   a:7443    default\n");
    expect(await succeed(bench, "config set-namespace shop")).toBe('context "home" uses namespace shop\n');
    expect((await bench.run(["get", "pods"])).err).toBe("no objects found in namespace shop\n");
    expect((await bench.run(["config", "use-context", "none"])).code).toBe(3);
    expect((await bench.run(["get", "pods", "--context", "none"])).err).toContain(
      'context "none" is not in /home/ann/.tallship/config, which has home',
    );
  });

  test("without a context file the places that were searched are named", async () => {
    bench = await openTsctlBench();
    bench.files.clear();
    const { code, err } = await bench.run(["get", "pods"]);
    expect(err).toContain(
      "none of TSCTL_CONFIG, /home/ann/.tallship/config, /etc/tallship/admin.yaml is there; run tallshipd init",
    );
    expect(code).toBe(1);
  });

  test("a broken context file is named", async () => {
    bench = await openTsctlBench();
    bench.files.set("c", "current: [");
    expect((await bench.run(["get", "pods", "--config", "c"])).err).toMatch(
      /^error: read c:1:10: this bracket is not closed/,
    );
    expect((await bench.run(["get", "pods"], { env: { TSCTL_CONFIG: "c" } })).err).toMatch(
      /^error: read c:1:10: this bracket is not closed/,
    );
  });

  test("version tells both sides", async () => {
    bench = await openTsctlBench();
    expect(await succeed(bench, "version")).toBe("client: 0.1.0 (development)\nserver: 0.1.0 (abc) at a:7443\n");
    expect(await succeed(bench, "version --client -o yaml")).toBe(
      'client:\n  version: "0.1.0"\n  commit: development\n',
    );
  });

  test("help comes from the table of verbs", async () => {
    bench = await openTsctlBench();
    expect(await succeed(bench, "help")).toMatch(/^ {2}apply +make the cluster's objects as files say$/m);
    expect(await succeed(bench, "get --help")).toContain("Usage:\n  tsctl get TYPE[,TYPE…] [NAME…]\n");
    expect(await succeed(bench, "help token create")).toContain("--role ROLE");
    const { code, err } = await bench.run(["gte"]);
    expect(err).toBe('error: unknown command "gte", did you mean "get"?\nrun "tsctl help" for its use\n');
    expect(code).toBe(2);
    const refused = await bench.run(["proxy", "--port=8080"]);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("port-forward leads to pods and services") });
  });

  test("endpoints stand beside other types as the objects that hold them", async () => {
    bench = await openTsctlBench();
    await bench.api.create(
      objectOf(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: default}, addressType: IPv4}",
      ),
    );
    await bench.api.create(objectOf(podText("a")));
    expect(await succeed(bench, "get po,ep -o name")).toBe("pod/a\nendpointslice.discovery.k8s.io/web-1\n");
  });

  test("a description tells what matters and hides secrets", async () => {
    bench = await openTsctlBench();
    await bench.api.create(
      objectOf("{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: default}, data: {key: aHVudGVyMg==}}"),
    );
    const text = await succeed(bench, "describe secret s");
    expect(text).toContain("  key:  7 bytes\n");
    expect(text).not.toMatch(/hunter2|aHVudGVyMg/);
    await bench.api.create(objectOf(podText("a").replace("nodeName: host1, ", "")));
    await writeStatus(
      bench,
      '{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: default}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "0/3 nodes: 2 insufficient memory, 1 tainted"}]}}',
    );
    const described = await succeed(bench, "describe pod a");
    expect(described).toMatch(/^Pending because: +0\/3 nodes: 2 insufficient memory, 1 tainted$/m);
    expect(described).toMatch(/^ {2}main:\n {4}Image: +i$/m);
    await bench.api.create(objectOf(WEB));
    expect(await succeed(bench, "describe deploy/web")).toMatch(
      /^Replicas: +2 desired \| 0 updated \| 0 total \| 0 available \| 0 unavailable$/m,
    );
    expect((await bench.run(["describe", "pod", "none"])).code).toBe(3);
  });
});
