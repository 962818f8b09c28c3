import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, objectOf, podText, succeed, until, writeStatus } from "../../test/kit/tsctl-steps.js";
import { waitFor } from "../../test/kit/wait.js";
import { readEnd } from "./copy.js";
import { readPair } from "./forward.js";

let bench: TsctlBench;
const signals: object[] = [];
const copies: object[] = [];

beforeEach(async () => {
  signals.length = 0;
  bench = await openTsctlBench({
    streams: {
      copy: async function* (inputs) {
        for await (const { part } of inputs) {
          if (part?.$case === "copy") copies.push(part.value);
          yield { part: { $case: "stdout", value: Buffer.from("tar") } };
          if (part?.$case === "copy" && part.value.path === "/odd")
            yield { part: { $case: "stderr", value: Buffer.from("odd/a\x1b[2J is a fifo and was left out\n") } };
        }
      },
      signal: async (request) => {
        signals.push(request);
        return {};
      },
      attach: async function* (inputs) {
        for await (const { part } of inputs) {
          if (part?.$case === "attach") yield { part: { $case: "stdout", value: Buffer.from("hello\n") } };
          if (part?.$case !== "stdin") continue;
          yield { part: { $case: "stdout", value: Buffer.from(part.value) } };
          if (part.value.includes("end")) return yield { part: { $case: "exitCode", value: 7 } };
        }
      },
    },
  });
});
afterEach(() => bench.close());

/** What its agent says of a pod with one container. */
const report = (name: string, phase: string, state: string, restartCount = 0) =>
  writeStatus(
    bench,
    `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default}, status: {phase: ${phase}, containerStatuses: [{name: ${name}, restartCount: ${restartCount}, state: ${state}}]}}`,
  );
const annotations = async (name: string) =>
  JSON.parse(await succeed(bench, `get pod ${name} -o json`)).metadata.annotations as Record<string, string>;

const RUNNING = "{running: {startedAt: 2026-01-31T12:00:00Z}}";
const ENDED = "{terminated: {exitCode: 143, startedAt: 2026-01-31T12:00:00Z, finishedAt: 2026-01-31T12:00:01Z}}";

/** A pod of `run` that runs. */
async function runningPod(name: string): Promise<void> {
  const starting = bench.start(["run", "-d", "--name", name, "-p", "4000:80", "web:1", "serve", "--quick"]);
  await waitFor("the pod", async () => (await bench.run(["get", "pod", name])).code === 0);
  await report(name, "Running", RUNNING);
  const { code, out, err } = await starting.ended;
  expect({ code, out, err }).toEqual({ code: 0, out: `${name}\n`, err: "" });
}

describe("run, ps and the power switch", () => {
  test("a container that is created waits for its start", async () => {
    expect(await succeed(bench, "container create --name held -l a=b web:1 serve --quick")).toBe("held\n");
    expect(await annotations("held")).toMatchObject({ "tallship.dev/stopped": "", "tallship.dev/keep-files": "true" });
    expect(await succeed(bench, "ps -a --format {{.Names}}:{{.State}}:{{.Status}}")).toBe("held:created:Created\n");
    const starting = bench.start(["start", "held"]);
    await waitFor("the start", async () => (await annotations("held"))["tallship.dev/starts"] === "1");
    expect(await annotations("held")).not.toHaveProperty("tallship.dev/stopped");
    await report("held", "Running", RUNNING);
    expect((await starting.ended).out).toBe("held\n");
    await fail(bench, { line: "update -m 1g held", code: 1, err: "run without -m and --cpus does not get them later" });
  });

  test("a container is started, listed, stopped, started again and removed, with its port", async () => {
    await runningPod("web");
    const [head = "", row = ""] = (await succeed(bench, "ps")).split("\n");
    expect(head.split(/\s{2,}/)).toEqual([
      "CONTAINER ID",
      "IMAGE",
      "COMMAND",
      "CREATED",
      "STATUS",
      "PORTS",
      "NODE",
      "NAMES",
    ]);
    expect(row).toMatch(/^[0-9a-f]{12}\s+web:1\s+"serve --quick"\s.*0\.0\.0\.0:4000->80\/tcp\s+web$/);
    await writeStatus(
      bench,
      "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, status: {phase: Running, containerStatuses: [{name: web, command: [/entry, serve, --quick], state: {running: {startedAt: 2026-01-31T12:00:00Z}}}]}}",
    );
    expect(await succeed(bench, "ps")).toMatch(/ "\/entry serve --quick" /);
    expect(await succeed(bench, "inspect -f {{.Path}},{{.Args}} web")).toBe("/entry,[serve --quick]\n");
    expect(await succeed(bench, "port web 80")).toBe("0.0.0.0:4000\n");
    const stopping = bench.start(["stop", "-t", "3", "web"]);
    await waitFor("the annotation", async () => (await annotations("web"))["tallship.dev/stopped"] === "3");
    await report("web", "Failed", ENDED);
    expect((await stopping.ended).out).toBe("web\n");
    expect(await succeed(bench, "ps -q")).toBe("");
    expect(await succeed(bench, "ps -a")).toContain("Exited (143)");
    const starting = bench.start(["start", "web"]);
    await waitFor("the start", async () => (await annotations("web"))["tallship.dev/starts"] === "1");
    expect(await annotations("web")).not.toHaveProperty("tallship.dev/stopped");
    await report("web", "Running", "{running: {startedAt: 2026-01-31T13:00:00Z}}", 1);
    expect((await starting.ended).code).toBe(0);
    await fail(bench, { line: "rm web", code: 1, err: "web is running: stop it before, or remove it by force" });
  });

  test("a container is paused and goes on, each once, and says so as docker does", async () => {
    await runningPod("web");
    const tell = (paused: boolean, run = 0) =>
      writeStatus(
        bench,
        `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, status: {phase: Running, containerStatuses: [{name: web, restartCount: ${run}, containerID: "crun://u_web_${run}", paused: ${paused}, state: ${RUNNING}}]}}`,
      );
    await tell(false);
    await fail(bench, { line: "unpause web", code: 1, err: "container web is not paused" });
    const pausing = bench.start(["pause", "web"]);
    await waitFor("the mark", async () => (await annotations("web"))["tallship.dev/paused"] === "web.0");
    await tell(true);
    expect((await pausing.ended).out).toBe("web\n");
    expect(await succeed(bench, "ps --format {{.State}}:{{.Status}} --filter status=paused")).toMatch(
      /^paused:Up \S+ \(Paused\)\n$/,
    );
    expect(await succeed(bench, "inspect -f {{.State.Status}},{{.State.Paused}},{{.State.Running}} web")).toBe(
      "paused,true,true\n",
    );
    expect(await succeed(bench, "get pod web")).toMatch(/ 0\/1 +Paused /);
    expect(await succeed(bench, "describe pod web")).toMatch(/State: +Running\n +Started: .*\n +Paused: +True\n/);
    await fail(bench, { line: "pause web", code: 1, err: "container web is already paused" });
    await fail(bench, { line: "rm web", code: 1, err: "web is paused: unpause and stop it before" });
    const going = bench.start(["unpause", "web"]);
    await waitFor("the mark to go", async () => (await annotations("web"))["tallship.dev/paused"] === undefined);
    await tell(false);
    expect((await going.ended).out).toBe("web\n");
    // One that ends before it stands still was not paused.
    const late = bench.start(["pause", "web"]);
    await waitFor("the mark", async () => (await annotations("web"))["tallship.dev/paused"] === "web.0");
    await tell(false, 1);
    expect(await late.ended).toMatchObject({ code: 1, err: expect.stringContaining("ended before it was paused") });
  });

  test("a container that does not stand still in time is not asked to any more, and its node's reason is told", async () => {
    await runningPod("web");
    const status = `{phase: Running, containerStatuses: [{name: web, containerID: "crun://u_web_0", state: ${RUNNING}}]}`;
    await writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, status: ${status}}`,
    );
    const hung = async (tell: () => Promise<void>): Promise<unknown> => {
      const pausing = bench.start(["pause", "web"]);
      await waitFor("the mark", async () => (await annotations("web"))["tallship.dev/paused"] === "web.0");
      await tell();
      let isOver = false;
      void pausing.ended.finally(() => {
        isOver = true;
      });
      await waitFor("the end", async () => {
        await bench.api.clock.advance(1_000);
        return isOver;
      });
      expect(await annotations("web")).not.toHaveProperty("tallship.dev/paused");
      return pausing.ended;
    };
    expect(await hung(async () => undefined)).toMatchObject({
      code: 8,
      err: expect.stringContaining("container web does not stand still, and is not asked to any more: node"),
    });
  });

  test("an id stands for its container, and so does its beginning", async () => {
    await runningPod("web");
    const id = (await succeed(bench, "ps -q --no-trunc")).trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await succeed(bench, `inspect -f {{.State.Status}} ${id.slice(0, 6)}`)).toBe("running\n");
    expect(await succeed(bench, `inspect -f {{.Config.Cmd}} web`)).toBe("[serve --quick]\n");
    expect(await succeed(bench, "ps --format {{.Names}}:{{.Image}}")).toBe("web:web:1\n");
    const { out } = await bench.run(["ps", "--format", "table {{.Names}}\\t{{.State}}", "--filter", "health=none"]);
    expect(out).toBe("NAMES   STATE\nweb     running\n");
  });

  test("a port that is taken is told before anything is made", async () => {
    await runningPod("web");
    const { code, err } = await bench.run(["run", "-d", "--name", "other", "-p", "4000:80", "web:1"]);
    expect(code).not.toBe(0);
    expect(err).toContain("4000");
    expect((await bench.run(["get", "pod", "other"])).code).toBe(3);
  });

  test("containers share an alias, which goes with the last of them; that of a service is refused", async () => {
    for (const name of ["one", "two"]) {
      const starting = bench.start(["run", "-d", "--name", name, "--network-alias", "db", "web:1"]);
      await waitFor("the pod", async () => (await bench.run(["get", "pod", name])).code === 0);
      await report(name, "Running", RUNNING);
      expect((await starting.ended).code).toBe(0);
    }
    const owners = async (): Promise<readonly string[]> =>
      JSON.parse(await succeed(bench, "get service db -o json")).metadata.ownerReferences.map(
        ({ name }: { readonly name: string }) => name,
      );
    expect(await owners()).toEqual(["one", "two"]);
    expect(await succeed(bench, "get pods -l alias.run.tallship.dev/db=true -o name")).toBe("pod/one\npod/two\n");
    const { code, err } = await bench.run(["run", "-d", "--name", "three", "--network-alias", "one", "web:1"]);
    expect(code).not.toBe(0);
    expect(err).toContain('the name "one" is in use by a service that is no alias');
    expect((await bench.run(["get", "pod", "three"])).code).toBe(3);
  });

  test("start -a shows what a container writes and ends as it does, wait prints its exit code", async () => {
    const running = bench.start(["run", "-di", "--name", "job", "web:1"]);
    await waitFor("the pod", async () => (await bench.run(["get", "pod", "job"])).code === 0);
    await report("job", "Running", RUNNING);
    await running.ended;
    await report("job", "Failed", ENDED);
    expect(await succeed(bench, "wait job")).toBe("143\n");
    const attached = bench.start(["start", "-ai", "job"], { input: "the end\n" });
    await waitFor("the start", async () => (await annotations("job"))["tallship.dev/starts"] === "1");
    await report("job", "Running", "{running: {startedAt: 2026-01-31T13:00:00Z}}", 1);
    expect(await attached.ended).toMatchObject({ out: "hello\nthe end\n", code: 7 });
  });

  test("kill sends signals, and KILL stops for good", async () => {
    await runningPod("web");
    await succeed(bench, "kill -s HUP web");
    expect(signals).toMatchObject([{ pod: "web", container: "web", signal: "HUP" }]);
    const killing = bench.start(["kill", "web"]);
    await waitFor("the annotation", async () => (await annotations("web"))["tallship.dev/stopped"] === "0");
    await report("web", "Failed", ENDED);
    expect((await killing.ended).code).toBe(0);
  });

  test("an image that cannot be had ends run with 125, and nothing is left", async () => {
    const running = bench.start(["run", "--name", "web", "none:1"]);
    await waitFor("the pod", async () => (await bench.run(["get", "pod", "web"])).code === 0);
    await report("web", "Pending", "{waiting: {reason: ErrImagePull, message: no such image}}");
    await until(running, "no such image").catch(() => undefined);
    const { code, err } = await running.ended;
    expect({ code, err }).toMatchObject({
      code: 125,
      err: expect.stringContaining("web did not start: no such image"),
    });
  });

  test("in the foreground input and output are passed on, and the exit code is the container's", async () => {
    const running = bench.start(["run", "-i", "--name", "web", "web:1"], { input: "typed end" });
    await waitFor("the pod", async () => (await bench.run(["get", "pod", "web"])).code === 0);
    await report("web", "Running", RUNNING);
    expect(await running.ended).toMatchObject({ code: 7, out: "hello\ntyped end" });
  });

  test("Ctrl-P Ctrl-Q leaves a terminal", async () => {
    const running = bench.start(["run", "-it", "--name", "web", "web:1"], {
      input: "ab\u0010\u0011end",
      isTerminal: true,
    });
    await waitFor("the pod", async () => (await bench.run(["get", "pod", "web"])).code === 0);
    await report("web", "Running", RUNNING);
    const { code, out } = await running.ended;
    expect(code).toBe(0);
    expect(out).not.toContain("end");
  });

  test("kubectl's form makes a pod and returns", async () => {
    expect(await succeed(bench, "run web --image=web:1 --port=80 -- serve")).toBe("pod/web created\n");
    expect(await succeed(bench, "run web2 --image web:1 --dry-run=client -o name")).toBe("pod/web2\n");
  });

  test("kubectl's form makes what kubectl makes: a pod that is restarted, with its label, and services only when asked", async () => {
    await succeed(bench, "run web --image=web:1");
    const { metadata, spec } = JSON.parse(await succeed(bench, "get pod web -o json"));
    expect(metadata.labels).toMatchObject({ run: "web" });
    expect(spec).toMatchObject({ restartPolicy: "Always", terminationGracePeriodSeconds: 30 });
    expect((await bench.run(["get", "svc", "web"])).code).toBe(3);
    await succeed(bench, "run api --image=web:1 --restart=Never --port=80 --expose");
    expect(await succeed(bench, "get svc api -o jsonpath={.spec.type}:{.spec.ports[0].targetPort}")).toBe(
      "ClusterIP:80",
    );
    await fail(bench, { line: "run c --image=web:1 --expose", code: 2, err: "say which with --port" });
    await fail(bench, { line: "run --expose", code: 2, err: "name the image" });
  });

  test("--overrides change the pod before it is made", async () => {
    const line = ["run", "x", "--image=web:1", "--dry-run=client", "-o", "jsonpath={.spec.nodeName}"];
    expect((await bench.run([...line, '--overrides={"spec": {"nodeName": "host2"}}'])).out).toBe("host2");
    const wrong = await bench.run([...line, '--overrides={"spec": {"nodeNam": "host2"}}']);
    expect(wrong.err).toContain('unknown field "nodeNam", did you mean "nodeName"?');
    expect(wrong.code).toBe(6);
    const { err } = await bench.run(["run", "y", "--image=web:1", '--overrides={"spec": {"runtimeClassName": "x"}}']);
    expect(err).toBe(
      "note: --overrides:1:11: spec.runtimeClassName: accepted, not enforced: there is one runtime per node\n",
    );
  });

  test("debug --copy-to makes a copy without labels and probes, with another command", async () => {
    await bench.api.create(
      objectOf(
        "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: default, labels: {app: p}}, spec: {nodeName: host1, containers: [{name: main, image: i, livenessProbe: {exec: {command: [no]}}}, {name: side, image: s}]}}",
      ),
    );
    expect((await bench.run("debug p --copy-to=q -c main --set-image=side=t -- sleep 1".split(" "))).code).toBe(0);
    const { metadata, spec } = JSON.parse(await succeed(bench, "get pod q -o json"));
    expect(metadata.labels).toBeUndefined();
    expect(spec.nodeName).toBeUndefined();
    expect(spec.shareProcessNamespace).toBe(true);
    expect(spec.containers).toMatchObject([
      { name: "main", image: "i", command: ["sleep", "1"] },
      { name: "side", image: "t" },
    ]);
    expect(spec.containers[0].livenessProbe).toBeUndefined();
    await fail(bench, { line: "debug p --copy-to=r", code: 2, err: "say with what" });
    await fail(bench, { line: "debug p --image=i --replace", code: 2, err: "are of copies" });
    await fail(bench, {
      line: "debug p --copy-to=r --image=i --set-image=no=i",
      code: 3,
      err: 'has no container "no"',
    });
  });

  test("cp takes kubectl's NAMESPACE/POD where no pod has the first name", async () => {
    await bench.api.create(objectOf(podText("a")));
    await bench.api.create(objectOf("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"));
    await bench.api.create(objectOf(podText("b").replace("namespace: default", "namespace: shop")));
    expect(await succeed(bench, "cp a/side:/x -")).toBe("tar");
    expect(await succeed(bench, "cp shop/b:/x -")).toBe("tar");
    expect(copies).toMatchObject([
      { namespace: "default", pod: "a", container: "side" },
      { namespace: "shop", pod: "b", container: "main" },
    ]);
    await fail(bench, { line: "cp shop/none:/x -", code: 3, err: "no such container: shop/none" });
  });

  test("what a copy leaves out is told, whatever it is called", async () => {
    await bench.api.create(objectOf(podText("a")));
    const warning = "warning: odd/a\\x1b[2J is a fifo and was left out\n";
    expect(await bench.run(["cp", "a:/odd", "-"])).toEqual({ code: 0, out: "tar", err: warning });
  });

  test("update gives what runs other amounts, beside those that stay", async () => {
    expect(await succeed(bench, "run web3 --image=web:1 --cpus 1 -m 64m")).toBe("pod/web3 created\n");
    expect(await succeed(bench, "update --cpus 2 web3")).toBe("web3\n");
    expect(JSON.parse(await succeed(bench, "get pod web3 -o jsonpath={.spec.containers[0].resources}"))).toEqual({
      limits: { cpu: "2", memory: "67108864" },
      requests: { cpu: "2", memory: "67108864" },
    });
    await fail(bench, { line: "update web3", code: 2, err: "say what to change" });
    await fail(bench, { line: "update -m much web3", code: 2, err: "--memory is a size" });
  });

  const refused = [
    { line: "run", code: 2, err: "name the image" },
    { line: "stop", code: 2, err: "name the containers" },
    { line: "stop none", code: 3, err: "no such container: none" },
    { line: "ps --filter color=red", code: 2, err: "--filter is name=" },
    { line: "cp a b", code: 2, err: "one place must be in a container" },
    { line: "cp a:/x b:/y", code: 2, err: "between containers is not supported" },
    { line: "port-forward web", code: 2, err: "name the ports" },
    { line: "top", code: 2, err: "top pods or top nodes" },
  ];
  test.each(refused)("$line", (row) => fail(bench, row));

  test("a pod that its controller would replace is not stopped", async () => {
    const ownedBy = (kind: string): string =>
      `, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: set, uid: u, controller: true}]`;
    await bench.api.create(objectOf(podText("owned", ownedBy("StatefulSet"))));
    await fail(bench, { line: "stop owned", code: 1, err: "belongs to StatefulSet set" });
    // A replica set keeps the places of pods that are stopped, not of those that are removed.
    await bench.api.create(objectOf(podText("replica", ownedBy("ReplicaSet"))));
    await fail(bench, { line: "rm replica", code: 1, err: "belongs to ReplicaSet set" });
    const stopping = bench.start(["stop", "replica"]);
    await waitFor("the switch", async () => (await annotations("replica"))["tallship.dev/stopped"] === "");
    await report("replica", "Failed", ENDED);
    expect((await stopping.ended).code).toBe(0);
  });
});

// A path here may hold a colon when it says that it is one.
const ends = [
  ["web:/etc", { is: "there", name: "web", path: "/etc" }],
  ["web:", { is: "there", name: "web", path: "/" }],
  ["./web:x", { is: "here", path: "./web:x" }],
  ["/a:b", { is: "here", path: "/a:b" }],
  ["file", { is: "here", path: "file" }],
  ["-", { is: "here", path: "-" }],
] as const;
test.each(ends)("cp: %s", (text, want) => expect(readEnd(text)).toEqual(want));

const pairs = [
  ["80", { local: 80, remote: "80" }],
  ["8080:80", { local: 8080, remote: "80" }],
  [":80", { local: 0, remote: "80" }],
  ["8080:http", { local: 8080, remote: "http" }],
] as const;
test.each(pairs)("port-forward: %s", (text, want) => expect(readPair(text)).toEqual(want));
