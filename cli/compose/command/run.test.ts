import { afterEach, beforeEach, expect, test } from "vitest";
import { LogsChunk } from "../../../proto/gen/tallship/v1/streams.js";
import { keepReady } from "../../../test/kit/keep-ready.js";
import { openTsctlBench, type Ran, type TsctlBench } from "../../../test/kit/tsctl-bench.js";
import { until, writeStatus } from "../../../test/kit/tsctl-steps.js";
import { waitFor } from "../../../test/kit/wait.js";

const SHOP = `services:
  web:
    image: "web:1"
    entrypoint: [/entry, serve]
    command: --fast
    environment: {MODE: live, KEEP: "1"}
    user: "7"
    ports: ["8080:80", "127.0.0.1:81:81"]
    depends_on: {db: {condition: service_healthy}}
    networks: {default: {aliases: [site]}}
  db: {image: "db:1", volumes: ["data:/data"]}
  other: {image: "other:1"}
volumes: {data: {}}
`;

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench({
    streams: {
      logs: async function* () {
        yield LogsChunk.fromPartial({ bytes: Buffer.from("said\n") });
      },
      attach: async function* (inputs) {
        yield { part: { $case: "stdout", value: Buffer.from("said\n") } };
        for await (const { part } of inputs) {
          if (part?.$case === "stdin") yield { part: { $case: "stdout", value: Buffer.from(part.value) } };
          if (part?.$case === "stdinClosed") break;
        }
        yield { part: { $case: "exitCode", value: 3 } };
      },
    },
  });
  keepReady(bench);
  bench.files.set("compose.yaml", SHOP);
});
afterEach(() => bench.close());

const OPTIONS = { env: { PWD: "/home/ann/shop", FROM_SHELL: "yes" } };
const run = (line: string): Promise<Ran> => bench.run(line.split(" "), OPTIONS);
const pods = async (): Promise<string> => (await run("get pods -n shop -o name")).out;

/** Writes what the agent of the pod's node would. */
async function becomes(phase: string, state: string): Promise<void> {
  const name = (await pods()).trim().replace("pod/", "");
  await writeStatus(
    bench,
    `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: shop}, status: {phase: ${phase}, containerStatuses: [{name: web, state: ${state}}]}}`,
  );
}

test("run starts what the service needs, prints what its own pod writes, and passes the exit code on", async () => {
  const running = bench.start(["compose", "run", "--rm", "web", "ls", "-l"], OPTIONS);
  await waitFor("the pod", async () => ((await pods()) === "" ? undefined : true));
  await becomes("Pending", "{waiting: {reason: WaitingForDependency, message: waiting for db to be healthy}}");
  await until(running, "waiting: container web: WaitingForDependency: waiting for db to be healthy");
  await becomes("Running", "{running: {}}");
  await until(running, "said\n");
  await becomes("Failed", "{terminated: {exitCode: 3}}");
  expect((await running.ended).code).toBe(3);
  expect(await pods()).toBe("");
  expect((await run("get deployments -n shop -o name")).out).toBe("deployment.apps/db\n");
});

test("a run whose image cannot be had says so, leaves no pod and ends with docker's code", async () => {
  const running = bench.start(["compose", "run", "web"], OPTIONS);
  await waitFor("the pod", async () => ((await pods()) === "" ? undefined : true));
  await becomes("Pending", "{waiting: {reason: ErrImagePull, message: no such image}}");
  const { code, err } = await running.ended;
  expect(code).toBe(125);
  expect(err).toMatch(/error: web-run-\w+ did not start: no such image\n$/);
  expect(await pods()).toBe("");
});

test("a run that starts after a task which has failed says so, and leaves no pod", async () => {
  const wait = "{condition: service_completed_successfully}";
  bench.files.set(
    "compose.yaml",
    `services: {web: {image: "w:1", depends_on: {prep: ${wait}}}, prep: {image: "p:1", restart: "no"}}`,
  );
  const running = bench.start(["compose", "run", "web"], OPTIONS);
  await waitFor("the pod", async () => ((await pods()) === "" ? undefined : true));
  await writeStatus(
    bench,
    "{apiVersion: batch/v1, kind: Job, metadata: {name: prep, namespace: shop}, status: {conditions: [{type: Failed, status: 'True', message: it failed}]}}",
  );
  const { code, err } = await running.ended;
  expect(err).toContain("dependency failed to start: service prep did not complete successfully: it failed");
  expect(code).toBe(1);
  expect(await pods()).toBe("");
});

test("a run gets the user's input, and a terminal where there is one", async () => {
  const running = bench.start(["compose", "run", "--no-deps", "web", "cat"], { ...OPTIONS, input: "typed\n" });
  await waitFor("the pod", async () => ((await pods()) === "" ? undefined : true));
  const made = JSON.parse((await run("get pods -n shop -o jsonpath={.items[0].spec.containers[0]}")).out);
  expect(made).toMatchObject({ stdin: true, stdinOnce: true });
  expect(made.tty).toBeUndefined();
  await becomes("Running", "{running: {}}");
  await until(running, "typed\n");
  await becomes("Failed", "{terminated: {exitCode: 3}}");
  expect((await running.ended).code).toBe(3);
  await run("compose down");
  const detached = await json("compose run -d web");
  expect(JSON.stringify(detached)).not.toContain("stdin");
});

test("a run that is interrupted leaves no pod", async () => {
  const running = bench.start(["compose", "run", "web"], OPTIONS);
  await waitFor("the pod", async () => ((await pods()) === "" ? undefined : true));
  running.interrupt();
  expect((await running.ended).code).toBe(130);
  expect(await pods()).toBe("");
});

const json = async (line: string): Promise<unknown> => {
  expect((await run(line)).err).not.toContain("error");
  return JSON.parse((await run("get pods -n shop -o jsonpath={.items[0]}")).out);
};

test("the pod is the service's, without its names, its ports and its restarts", async () => {
  const pod = await json("compose run -d web");
  const made = JSON.stringify(pod);
  expect(pod).toMatchObject({
    metadata: {
      annotations: { "tallship.dev/start-after": "db=healthy" },
      labels: { "com.docker.compose.project": "shop", "com.docker.compose.oneoff": "True" },
    },
    spec: { restartPolicy: "Never", containers: [{ name: "web", command: ["/entry", "serve"], args: ["--fast"] }] },
  });
  for (const left of ["compose.service", "alias.compose", "hostPort"]) expect(made).not.toContain(left);
  expect(made).toContain('"network.compose.tallship.dev/shop_default":"true"');
  expect((await run("compose ps")).out).toMatch(/web-run-\w+ +web:1 +web +/);
  await run("compose down");
  expect(await pods()).toBe("");
});

test("flags change the container, and nothing that they do not name", async () => {
  const pod = await json(
    "compose run -d --no-deps -P --use-aliases -e MODE=$(x) -e FROM_SHELL -w /w -u 8:9 -l a=b --name once --entrypoint sh web -c date",
  );
  expect(pod).toMatchObject({
    metadata: {
      name: "once",
      labels: { a: "b", "com.docker.compose.service": "web", "alias.compose.tallship.dev/site": "true" },
    },
    spec: {
      containers: [
        {
          command: ["sh"],
          args: ["-c", "date"],
          workingDir: "/w",
          env: [
            { name: "KEEP", value: "1" },
            { name: "MODE", value: "$$(x)" },
            { name: "FROM_SHELL", value: "yes" },
          ],
          securityContext: { runAsUser: 8, runAsGroup: 9 },
        },
      ],
    },
  });
  expect(JSON.stringify(pod)).toContain('"hostPort":81');
  expect(JSON.stringify(pod)).not.toContain("start-after");
  expect((await run("get deployments -n shop -o name")).out).toBe("");
});

test("a run may be that of a user of the image, in place of the service's", async () => {
  const pod = await json("compose run -d -u ann:staff web");
  expect(pod).toMatchObject({ metadata: { annotations: { "tallship.dev/run-as": "web=ann:staff" } } });
  expect(JSON.stringify(pod)).not.toContain("runAsUser");
});

test("a run is refused when the service is unknown or a flag makes no sense", async () => {
  expect((await run("compose run wbe")).err).toContain("no such service: wbe");
  expect((await run("compose run -u a=b web")).err).toContain("want container=user or container=user:group");
  expect((await run("compose run -d --rm web")).err).toContain("leave -d out");
});

test("up until a container ends stops everything and ends with that container's exit code", async () => {
  const running = bench.start(["compose", "up", "--exit-code-from", "web"], OPTIONS);
  await waitFor("web", async () => (await run("get deployment web -n shop")).code === 0 || undefined);
  // There is no controller here: the pods are what it would make.
  for (const service of ["db", "web"]) {
    const labels = { "com.docker.compose.project": "shop", "com.docker.compose.service": service };
    const metadata = { name: `${service}-1`, namespace: "shop", labels };
    const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [{ name: service, image: "x" }] } };
    bench.files.set("pod.json", JSON.stringify(pod));
    await run("create -f pod.json");
  }
  const ends = (name: string, exitCode: number): Promise<void> =>
    writeStatus(
      bench,
      `{apiVersion: v1, kind: Pod, metadata: {name: ${name}-1, namespace: shop}, status: {containerStatuses: [{name: ${name}, restartCount: 1, state: {waiting: {}}, lastState: {terminated: {exitCode: ${exitCode}}}}]}}`,
    );
  await ends("db", 9);
  await ends("web", 4);
  // The last words have half a second; nobody else's clock moves.
  await waitFor("the stop", async () => {
    await bench.api.clock.advance(500);
    return running.err().includes("web-1 exited with code 4") || undefined;
  });
  await run("delete pod db-1 web-1 -n shop --grace-period=0 --force");
  expect((await running.ended).code).toBe(4);
  expect(running.out()).toContain("web-1  | said\n");
  expect((await run("get deployment web -n shop -o yaml")).out).toContain("tallship.dev/stopped:");
  expect((await run("compose up -d --exit-code-from web")).err).toContain("leave them out");
  expect((await run("compose up --exit-code-from wbe")).err).toContain("no such service: wbe");
});
