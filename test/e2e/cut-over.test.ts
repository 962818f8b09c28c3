import { afterAll, beforeAll, expect, test } from "vitest";
import { type FailedRequest, failureLine, type RequestCount } from "../kit/request-stream.js";
import { waitFor } from "../kit/wait.js";
import { askedDuring, type Streams, startStreams } from "../testbed/request-streams.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pods, podYaml, startCluster, waitReady } from "./cluster.js";

/** Requests a second, half of them from a pod and half from a host; neither is on the host that is lost. */
const PER_SECOND = 200;

// The server listens half a second after its start, has no preStop hook, and is gone at the first SIGTERM.
const SERVER = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 6
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 5
      topologySpreadConstraints:
        - { maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: { matchLabels: { app: web } } }
      containers:
        - name: main
          image: tallship/hello:1
          command: [sh, -c, "trap 'exit 0' TERM; sleep 0.5; mkdir -p /www; echo ok > /www/index.html; httpd -f -p 8080 -h /www & wait"]
          ports: [{ name: http, containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80, targetPort: http }] }
`;

let testbed: Testbed;
let clientUid = "";

beforeAll(async () => {
  testbed = await startCluster("cutover", { hostCount: 3 });
  const client = podYaml("client", ["sleep", "10000"], "", '  nodeSelector: { kubernetes.io/hostname: "host1" }\n');
  await applyText(testbed, `${SERVER}---\n${client}`);
  const [pod] = await waitReady(testbed, "app=client", 1);
  clientUid = pod?.metadata.uid ?? "";
  await waitReady(testbed, "app=web", 6);
});

afterAll(async () => {
  await testbed?.down();
});

/**
 * A packet that is lost is sent again after one, three and seven seconds: the last of them finds an endpoint that is there, however busy the machine was with
 * withdrawing the one that is not. A connection that was led astray for good gets no answer ever.
 */
const streams = (): Promise<Streams> =>
  startStreams(testbed, [{ host: "host1", podUid: clientUid }, { host: "host2" }], {
    ...{ service: "web", perSecond: PER_SECOND / 2, timeoutMs: 10_000 },
  });

const failuresOf = (counts: readonly RequestCount[]): Readonly<Record<string, number>> => {
  const sums: Record<string, number> = {};
  for (const { failures } of counts)
    for (const [what, count] of Object.entries(failures)) sums[what] = (sums[what] ?? 0) + count;
  return sums;
};

/** What failed while something was done, and how much was asked. */
async function under(work: () => Promise<unknown>): Promise<{
  readonly failures: Readonly<Record<string, number>>;
  /** Of each client the first. */
  readonly failed: readonly FailedRequest[];
  readonly requests: number;
}> {
  const counts = await askedDuring(await streams(), work);
  return {
    failures: failuresOf(counts),
    failed: counts.flatMap(({ failed }) => failed),
    requests: counts.reduce((sum, { requests }) => sum + requests, 0),
  };
}

const nodesOf = async (): Promise<readonly string[]> =>
  (await pods(testbed, "app=web")).map(({ spec }) => spec.nodeName ?? "");

// What somebody plans costs no request.
const planned = [
  {
    what: "fewer pods and more again",
    work: async () => {
      for (const replicas of [2, 6, 3, 6]) {
        await testbed.tsctl(["scale", "deployment/web", `--replicas=${replicas}`]);
        await waitReady(testbed, "app=web", replicas);
      }
    },
  },
  {
    what: "a rolling update",
    work: async () => {
      await testbed.tsctl(["rollout", "restart", "deployment/web"]);
      await testbed.tsctl(["rollout", "status", "deployment/web", "--timeout=90s"]);
    },
  },
  {
    what: "a drain, and the node's return",
    work: async () => {
      await testbed.tsctl(["drain", "host3", "--ignore-daemonsets", "--timeout=90s"]);
      expect(await nodesOf()).not.toContain("host3");
      await waitReady(testbed, "app=web", 6);
      await testbed.tsctl(["uncordon", "host3"]);
    },
  },
];
for (const { what, work } of planned)
  test(`no request is lost by ${what}`, async () => {
    const { failures, failed, requests } = await under(work);
    expect(failures, failed.map(failureLine).join("\n")).toEqual({});
    expect(requests).toBeGreaterThan(PER_SECOND);
  });

/** An answer takes milliseconds, and a moment where the machine has other work: what is older was not on its way any more. */
const ON_ITS_WAY_MS = 1_000;

test("a node that loses its power loses what was on its way to it in that moment, and nothing that is asked afterwards", async () => {
  await testbed.tsctl(["rollout", "restart", "deployment/web"]);
  await testbed.tsctl(["rollout", "status", "deployment/web", "--timeout=90s"]);
  expect(await nodesOf()).toContain("host3");
  const gone = async (): Promise<boolean> => {
    const slices = JSON.parse(await testbed.tsctl(["get", "endpointslices", "-o", "json"]));
    const endpoints: readonly { readonly nodeName?: string; readonly conditions?: { readonly ready?: boolean } }[] =
      slices.items.flatMap((slice: { endpoints: unknown }) => slice.endpoints);
    return !endpoints.some(({ nodeName, conditions }) => nodeName === "host3" && conditions?.ready !== false);
  };
  const moments = { cutMs: 0, offMs: 0, withdrawnMs: 0 };
  const { failed, requests } = await under(async () => {
    moments.cutMs = Date.now();
    await testbed.power("host3", "poweroff");
    moments.offMs = Date.now();
    await waitFor("its endpoints to be withdrawn", gone, { deadlineMs: 30_000, everyMs: 50 });
    moments.withdrawnMs = Date.now();
    await waitFor("some more requests", enough(), { deadlineMs: 20_000 });
  });
  const { cutMs, offMs, withdrawnMs } = moments;
  const wasOnItsWay = ({ what, beganAtMs }: FailedRequest): boolean =>
    what === "LATE ANSWER" && beganAtMs > cutMs - ON_ITS_WAY_MS && beganAtMs <= offMs;
  // A host that has come to know that nobody has that address says so to those who ask until it is told whom to ask instead.
  const wasTold = ({ what, beganAtMs }: FailedRequest): boolean => what === "EHOSTUNREACH" && beganAtMs <= withdrawnMs;
  const others = failed.filter((each) => !wasOnItsWay(each) && !wasTold(each));
  expect(others, `cut at ${cutMs}, withdrawn ${withdrawnMs - cutMs} ms later\n${JSON.stringify(others)}`).toEqual([]);
  expect(requests).toBeGreaterThan(PER_SECOND);
});

/** True once five seconds of requests have gone by. */
function enough(): () => boolean {
  const beganAt = performance.now();
  return () => performance.now() - beganAt > 5_000;
}
