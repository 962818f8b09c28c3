import { failureLine, type RequestCount } from "../test/kit/request-stream.js";
import { type ClientPlace, startStreams } from "../test/testbed/request-streams.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { apply, deploy, deploymentOf, IMAGE, podsOf, withTestbed } from "./on-testbed.js";

/** That rolling updates lose nothing: the server needs no help for it. */
export const rollout: Bench = {
  name: "rollout",
  summary: "rolling updates of 6 replicas on 3 hosts under 200 requests/s from a pod and from a host: how many fail",
  goals: [
    { metric: "requests", op: ">=", bound: 20_000, stage: "full" },
    { metric: "failed", op: "<=", bound: 0, stage: "full" },
  ],
  run,
};

/** Half of the load from either client. */
const PER_SECOND = 100;
const TIMEOUT_MS = 1_000;
const NAME = "rolled";

/** The server listens half a second after its start, has no preStop hook, and is gone at the first SIGTERM. */
const SERVER =
  "trap 'exit 0' TERM; sleep 0.5; mkdir -p /www; echo ok > /www/index.html; httpd -f -p 8080 -h /www & wait";

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 3 }, async (testbed) => {
    await deploy(testbed, { name: "client", replicas: 1, node: "host1" });
    await apply(testbed, [serverOf(0), service()]);
    await rolledOut(testbed);
    const streams = await startStreams(testbed, await clientsOf(testbed), {
      service: NAME,
      perSecond: PER_SECOND,
      timeoutMs: TIMEOUT_MS,
    });
    const seconds: number[] = [];
    let overflows = 0;
    const rounds = context.isQuick ? 5 : 50;
    for (let round = 1; round <= rounds; round += 1) {
      overflows += await overflowsOf(testbed);
      const startedMs = performance.now();
      await apply(testbed, [serverOf(round)]);
      await rolledOut(testbed);
      seconds.push((performance.now() - startedMs) / 1_000);
      if (round % 5 === 0) context.report(`${round} of ${rounds} updates, ${median(seconds).toFixed(1)} s each`);
    }
    const counts = await streams.end();
    for (const { failures, failed } of counts)
      if (failed.length > 0)
        context.report(`${JSON.stringify(failures)}: ${failed.slice(0, 20).map(failureLine).join(", ")}`);
    const sum = (of: (count: RequestCount) => number): number => counts.reduce((total, each) => total + of(each), 0);
    return {
      requests: sum(({ requests }) => requests),
      failed: sum(({ failures }) => Object.values(failures).reduce((total, each) => total + each, 0)),
      overflows,
      updates: rounds,
      update_s: median(seconds),
      p99_ms: Math.max(...counts.map(({ p99Ms }) => p99Ms)),
    };
  });
}

/** How often the running servers had no room for a connection: the kernel then drops its first packet, which is sent again after a second. */
async function overflowsOf(testbed: Testbed): Promise<number> {
  const list = JSON.parse(await testbed.tsctl(["get", "pods", "-l", `app=${NAME}`, "-o", "json"]));
  const counts = await Promise.all(
    list.items.map(async ({ metadata, spec }: { metadata: { uid: string }; spec: { nodeName: string } }) => {
      const enter = ["nsenter", `--net=/run/tallship/netns/${metadata.uid}`, "cat", "/proc/net/netstat"];
      return overflowsIn((await testbed.exec(spec.nodeName, enter)).stdout);
    }),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}

function overflowsIn(netstat: string): number {
  const [names = "", values = ""] = netstat.split("\n").filter((line) => line.startsWith("TcpExt:"));
  return Number(values.split(" ")[names.split(" ").indexOf("ListenOverflows")] ?? 0);
}

function serverOf(round: number): unknown {
  // A parser: the manifest is the bench's own.
  const manifest = deploymentOf({ name: NAME, replicas: 6 }) as {
    spec: { template: { metadata: Record<string, unknown>; spec: Record<string, unknown> } };
  };
  const { template } = manifest.spec;
  template.metadata["annotations"] = { round: String(round) };
  template.spec["containers"] = [
    {
      name: "main",
      image: IMAGE,
      command: ["/bin/sh", "-c", SERVER],
      ports: [{ name: "http", containerPort: 8080 }],
      readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 1 },
      resources: { requests: { cpu: "50m", memory: "4Mi" } },
    },
  ];
  return manifest;
}

function service(): unknown {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: NAME },
    spec: { selector: { app: NAME }, ports: [{ port: 80, targetPort: "http" }] },
  };
}

async function rolledOut(testbed: Testbed): Promise<void> {
  await testbed.tsctl(["rollout", "status", `deployment/${NAME}`, "--timeout=120s"]);
}

/** One client in a pod's network namespace on the first host, one in that of the second host. */
async function clientsOf(testbed: Testbed): Promise<readonly ClientPlace[]> {
  const [pod] = await podsOf(testbed, "client");
  const { metadata } = JSON.parse(await testbed.tsctl(["get", "pod", pod?.name ?? "", "-o", "json"]));
  return [{ host: "host1", podUid: metadata.uid }, { host: "host2" }];
}
