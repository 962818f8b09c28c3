import { afterEach, beforeEach, expect, test } from "vitest";
import { TallshipError } from "../../../lib/errors.js";
import { RemoveImagesResponse } from "../../../proto/gen/tallship/v1/images.js";
import { keepReady } from "../../../test/kit/keep-ready.js";
import { openTsctlBench, type Ran, type TsctlBench } from "../../../test/kit/tsctl-bench.js";
import { until, writeStatus } from "../../../test/kit/tsctl-steps.js";
import { waitFor } from "../../../test/kit/wait.js";
import { PROJECT_LABEL, SERVICE_LABEL } from "../translate/names.js";
import { subcommandFirst } from "./args.js";

const SHOP = `services:
  web: {image: "web:1", ports: ["8080:80"], depends_on: [db]}
  db: {image: "db:1", volumes: ["data:/data"]}
  agent: {image: "agent:1", deploy: {mode: global}}
volumes: {data: {}}
`;

let bench: TsctlBench;
const removed: string[] = [];
beforeEach(async () => {
  removed.length = 0;
  bench = await openTsctlBench({
    images: {
      remove: async ({ names: [name = ""] }) => {
        if (name === "agent:1") throw new TallshipError("not_found", "no such image");
        if (name === "db:1")
          throw new TallshipError("failed_precondition", "image db:1 is used by pod x/y; -f removes it");
        removed.push(name);
        return RemoveImagesResponse.fromPartial({});
      },
    },
  });
  keepReady(bench);
  bench.files.set("compose.yaml", SHOP);
});
afterEach(() => bench.close());

const run = (line: string): Promise<Ran> => bench.run(line.split(" "), { env: { PWD: "/home/ann/shop" } });

async function ok(line: string): Promise<Ran> {
  const ran = await run(line);
  expect(ran).toMatchObject({ code: 0 });
  return ran;
}

const rows = [
  ["compose -f a.yaml -p shop up -d", "compose up --file=a.yaml --project-name=shop -d"],
  ["compose --profile=debug logs -f web", "compose logs --profile=debug -f web"],
  ["compose exec -T web ls -l", "compose exec -T web -- ls -l"],
  ["compose exec --index 2 web sh", "compose exec --index 2 web -- sh"],
  ["compose exec web -- ls", "compose exec web -- ls"],
  ["compose", "compose"],
  ["apply -f compose.yaml", "apply -f compose.yaml"],
] as const;

for (const [line, want] of rows) {
  test(`the command line "${line}" is read as "${want}"`, () => {
    expect(subcommandFirst(line.split(" ")).join(" ")).toBe(want);
  });
}

test("up makes the project, a second up changes nothing, down removes all but the volumes, and down -v the rest", async () => {
  const first = await ok("compose up -d");
  expect(first.err).toContain(" Namespace shop  Created\n");
  expect(first.err).toContain(" Deployment web  Created\n");
  const again = await ok("compose up -d");
  expect(again.err).toContain(" Deployment web  Running\n");
  expect(again.err).not.toContain("Created");
  await ok("compose down");
  expect((await ok("get deployments,services,daemonsets -n shop")).out).toBe("");
  expect((await ok("get pvc -n shop -o name")).out).toBe("persistentvolumeclaim/data\n");
});

test("down of one service leaves the others, and --rmi takes names of images that nobody else needs", async () => {
  await ok("compose up -d");
  expect((await ok("compose down web")).err).toContain(" Deployment web  Removed\n");
  expect((await ok("get deployments,services -n shop -o name")).out).toBe(
    "deployment.apps/db\nservice/agent\nservice/db\n",
  );
  expect((await ok("get ns shop -o name")).out).toBe("namespace/shop\n");
  await ok("compose up -d");
  const all = await ok("compose down --rmi all");
  expect(all.err).toContain(" Image web:1  Removed\n");
  expect(all.err).toContain("warning: image db:1 is used by pod x/y: it stays\n");
  expect(removed).toEqual(["web:1"]);
  // Only what compose has named itself is local.
  await ok("compose up -d");
  await ok("compose down --rmi local");
  expect(removed).toEqual(["web:1"]);
});

test("scale gives a service another number of containers and changes nothing else", async () => {
  await ok("compose up -d");
  const { err } = await ok("compose scale --no-deps web=2");
  expect(err).toContain(" Deployment web  Updated\n");
  expect(err).not.toContain("db");
  expect((await ok("get deployment web -n shop -o jsonpath={.spec.replicas}")).out).toBe("2");
  expect((await run("compose scale")).err).toContain("compose scale SERVICE=NUMBER");
});

test("stop leaves a service as large as it is, and stopped; start takes that back, and so does up", async () => {
  await ok("compose up -d --scale web=3");
  const stateOf = async (kind: string, name: string): Promise<string> =>
    (
      await ok(
        `get ${kind} ${name} -n shop -o jsonpath={.spec.replicas}:{.metadata.annotations.tallship\\.dev/stopped}:`,
      )
    ).out;
  const isStopped = async (kind: string, name: string): Promise<boolean> =>
    (await ok(`get ${kind} ${name} -n shop -o yaml`)).out.includes("tallship.dev/stopped:");
  expect((await ok("compose stop")).err).toContain(" DaemonSet agent  Stopped\n");
  expect(await isStopped("daemonset", "agent")).toBe(true);
  expect(await isStopped("deployment", "web")).toBe(true);
  expect(await stateOf("deployment", "web")).toMatch(/^3:/);
  await ok("compose start web");
  expect(await isStopped("deployment", "web")).toBe(false);
  expect(await isStopped("deployment", "db")).toBe(true);
  expect((await run("compose up -d --scale wbe=3")).err).toContain("--scale: no such service: wbe");
  expect((await run("compose up -d --scale agent=3")).err).toContain("agent is a task or runs on every node");
  await ok("compose up -d");
  expect(await isStopped("deployment", "db")).toBe(false);
  // As docker: without --scale it is as the file says.
  expect(await stateOf("deployment", "web")).toMatch(/^1:/);
  expect((await ok("compose rm")).err).toContain("No stopped services");
  await ok("compose stop db");
  expect((await ok("compose rm -f")).err).toContain(" Deployment db  Removed\n");
});

test("stop switches the containers of services off and start switches the same ones on, and waits until they run", async () => {
  await ok("compose up -d web");
  const labels = { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: "web" };
  const containers = [{ name: "web", image: "web:1" }];
  const metadata = { name: "web-1", namespace: "shop", labels };
  bench.files.set("pod.json", JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec: { containers } }));
  await ok("create -f pod.json");
  const report = (phase: string, state: string): Promise<void> =>
    writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop}, status: {phase: ${phase}, containerStatuses: [{name: web, state: ${state}}]}}`,
    );
  const switches = async (): Promise<Record<string, string>> =>
    JSON.parse((await ok("get pod web-1 -n shop -o json")).out).metadata.annotations ?? {};
  await report("Running", "{running: {startedAt: 2026-01-01T00:00:00Z}}");
  const stopping = bench.start(["compose", "-p", "shop", "stop", "-t", "3", "web"]);
  await waitFor("the switch", async () => (await switches())["tallship.dev/stopped"] === "3");
  await report("Failed", "{terminated: {exitCode: 143, startedAt: 2026-01-01T00:00:00Z}}");
  expect((await stopping.ended).code).toBe(0);
  expect((await ok("compose ps -a")).out).toContain("Exited (143)");
  expect((await ok("compose ps -q")).out).toBe("");
  const starting = bench.start(["compose", "-p", "shop", "start"]);
  await waitFor("the switch", async () => (await switches())["tallship.dev/starts"] === "1");
  expect(await switches()).not.toHaveProperty("tallship.dev/stopped");
  await report("Running", "{running: {startedAt: 2026-01-01T00:00:09Z}}");
  expect(await starting.ended).toMatchObject({ code: 0, err: expect.stringMatching(/ Pod web-1 {2}Started\n$/) });
});

test("up of one service takes what it depends on along, and orphans are told and removed", async () => {
  await ok("compose up -d web");
  expect((await ok("get deployments,daemonsets -n shop -o name")).out).toBe(
    "deployment.apps/db\ndeployment.apps/web\n",
  );
  bench.files.set("compose.yaml", `services: {web: {image: "web:2"}}`);
  expect((await ok("compose up -d")).err).toContain("services db run and are in no file of this project");
  await ok("compose up -d --remove-orphans");
  expect((await ok("get deployments -n shop -o name")).out).toBe("deployment.apps/web\n");
});

test("ps, port, images and ls tell of the project's containers", async () => {
  await ok("compose up -d");
  const labels = { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: "web" };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "shop", labels },
    spec: { containers: [{ name: "web", image: "web:1" }] },
  };
  bench.files.set("pod.json", JSON.stringify(pod));
  await ok("apply -f pod.json");
  const { out } = await ok("compose ps");
  expect(out).toMatch(
    /^NAME +IMAGE +SERVICE +CREATED +STATUS +NODE +PORTS\nweb-1 +web:1 +web +.* ago +Pending +0\.0\.0\.0:8080->80\/tcp\n$/,
  );
  const json = JSON.parse((await ok("compose ps --format json")).out);
  expect(json).toMatchObject({ Name: "web-1", Service: "web", Project: "shop", State: "created", ExitCode: "0" });
  expect((await ok("compose ps --format {{.Service}}:{{.Image}} --status created")).out).toBe("web:web:1\n");
  expect((await ok("compose ps --filter status=running")).out).not.toContain("web-1");
  expect((await run("compose ps --filter name=web")).err).toContain("--filter is status=STATE");
  expect((await ok("compose port web 80")).out).toBe("0.0.0.0:8080\n");
  expect((await run("compose port web 81")).err).toContain("no port 81/tcp of service web is published");
  expect((await ok("compose ls")).out).toContain("shop");
  expect((await run("compose cp db:/data .")).err).toContain('service "db" is not running');
  expect((await run("compose cp here there")).err).toContain("compose cp SERVICE:PATH PATH");
});

test("up --force-recreate replaces containers of services that are as the files say, once", async () => {
  await ok("compose up -d");
  const restarted = async (): Promise<string> =>
    (await ok("get deployments,daemonsets -n shop -o yaml")).out.match(/kubectl.kubernetes.io\/restartedAt/g)?.join() ??
    "";
  expect(await restarted()).toBe("");
  const again = await ok("compose up -d --force-recreate web");
  expect(again.err).toContain(" Deployment web  Recreated\n");
  expect(again.err).not.toContain("DaemonSet agent  Recreated");
  expect((await ok("compose up -d")).err).toContain(" Deployment web  Running\n");
});

test("a service that uses another one's network is told of, stopped and started with it, and is not run alone", async () => {
  bench.files.set(
    "compose.yaml",
    `services: {vpn: {image: "v:1"}, fetch: {image: "f:1", network_mode: "service:vpn", depends_on: [queue]}, queue: {image: "q:1"}}`,
  );
  await ok("compose up -d vpn");
  expect((await ok("get deployments -n shop -o name")).out).toBe("deployment.apps/queue\ndeployment.apps/vpn\n");
  const labels = { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: "vpn" };
  const containers = [
    { name: "vpn", image: "v:1" },
    { name: "fetch", image: "f:1" },
  ];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "vpn-1", namespace: "shop", labels },
    spec: { containers },
  };
  bench.files.set("pod.json", JSON.stringify(pod));
  await ok("apply -f pod.json");
  expect((await ok("compose ps fetch")).out).toMatch(/\nvpn-1\/fetch +f:1 +fetch .*\n$/);
  expect((await ok("compose ps --services")).out).toBe("vpn\nfetch\n");
  await ok("delete pod vpn-1 -n shop --grace-period=0 --force");
  expect((await ok("compose stop fetch")).err).toContain(" Deployment vpn  Stopped\n");
  expect((await ok("compose start fetch")).err).toContain(" Deployment vpn  Starting\n");
  expect((await run("compose run fetch true")).err).toContain("service fetch uses the network of vpn");
});

test("config prints the merged files, and what a cluster cannot do says what does instead", async () => {
  bench.files.set("compose.override.yaml", `services: {web: {environment: [A=1]}}`);
  expect((await ok("compose config --services")).out).toBe("web\ndb\nagent\n");
  bench.files.set("built.yaml", 'services: {web: {build: .}, db: {image: "db:1"}}');
  expect((await ok("compose -f built.yaml -p shop config --images")).out).toBe("shop-web\ndb:1\n");
  expect((await ok("compose config")).out).toContain("environment:\n    - A=1\n");
  expect((await ok("compose config --objects")).out).toContain("kind: Deployment");
  expect((await run("compose create")).err).toContain("compose create is not supported: up -d makes");
  expect((await run("compose pull nobody")).err).toContain("no such service: nobody");
});

test("up -d ends with 1 and the place in the file when a service cannot start, also in the foreground, and later pods count anew", async () => {
  bench.close();
  bench = await openTsctlBench();
  bench.files.set("compose.yaml", `services:\n  web: {image: "none:1"}\n`);
  const labels = { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: "web" };
  const stuck = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1", namespace: "shop", labels },
    spec: { containers: [{ name: "web", image: "none:1" }] },
  };
  await ok("create namespace shop");
  bench.files.set("pod.json", JSON.stringify(stuck));
  const fails = async (line: string): Promise<Ran> => {
    await ok("create -f pod.json");
    const running = bench.start(line.split(" "), { env: { PWD: "/home/ann/shop" } });
    await until(running, " Deployment web  ");
    await writeStatus(
      bench,
      "{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop}, status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ErrImagePull, message: pull none:1 not found}}}]}}",
    );
    return running.ended;
  };
  const failed = await fails("compose up -d");
  expect(failed.code).toBe(1);
  expect(failed.err).toContain("error: compose.yaml:2:9: services.web.image: pull none:1 not found\n");
  await ok("delete pod web-1 -n shop --grace-period=0 --force");
  expect((await fails("compose up")).code).toBe(1);
  // The next one tries again: the pod goes, so that another one comes.
  keepReady(bench);
  expect((await ok("compose up -d")).err).toContain(" Deployment web  Running\n");
  expect((await ok("get pods -n shop -o name")).out).toBe("");
});

test("pause and unpause are those of the containers of services that run, and ps says so", async () => {
  const labels = { [PROJECT_LABEL]: "shop", [SERVICE_LABEL]: "web" };
  const containers = [{ name: "web", image: "web:1" }];
  const pod = {
    ...{ apiVersion: "v1", kind: "Pod" },
    metadata: { name: "web-1", namespace: "shop", labels },
    spec: { containers },
  };
  await ok("create namespace shop");
  bench.files.set("pod.json", JSON.stringify(pod));
  await ok("create -f pod.json");
  const report = (paused: boolean): Promise<void> =>
    writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop}, status: {phase: Running, containerStatuses: [{name: web, containerID: "crun://u_web_0", paused: ${paused}, state: {running: {startedAt: 2026-01-31T12:00:00Z}}}]}}`,
    );
  const marked = async (): Promise<string> =>
    (await ok("get pod web-1 -n shop -o jsonpath={.metadata.annotations.tallship\\.dev/paused}")).out;
  await report(false);
  const pausing = bench.start(["compose", "-p", "shop", "pause", "web"]);
  await waitFor("the mark", async () => (await marked()) === "web.0");
  await report(true);
  expect(await pausing.ended).toMatchObject({ code: 0, err: " Pod web-1  Paused\n" });
  expect((await ok("compose ps")).out).toMatch(/ Up \S+ \(Paused\)\n$/);
  expect((await ok("compose ps --status paused -q")).out).toBe("web-1\n");
  expect((await ok("compose pause db")).err).toBe("");
  const going = bench.start(["compose", "-p", "shop", "unpause"]);
  await waitFor("the mark to go", async () => (await marked()) === "");
  await report(false);
  expect(await going.ended).toMatchObject({ code: 0, err: " Pod web-1  Unpaused\n" });
});

test("a folder without a compose file is told", async () => {
  bench.files.delete("compose.yaml");
  expect((await run("compose up -d")).err).toContain("there is no compose.yaml here or in a folder above");
});
