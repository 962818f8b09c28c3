import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pod, podYaml, type SeenPod, startCluster } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("faults", { hostCount: 1 });
});

afterAll(async () => {
  await testbed?.down();
});

/** Waits until a pod looks as wanted. */
function eventually(name: string, what: string, check: (seen: SeenPod) => boolean): Promise<SeenPod> {
  return waitFor(
    `${name}: ${what}`,
    async () => {
      const seen = await pod(testbed, name);
      return seen !== undefined && check(seen) ? seen : undefined;
    },
    { deadlineMs: 60_000, everyMs: 100 },
  );
}

const waiting = (seen: SeenPod): string => seen.status.containerStatuses?.[0]?.state.waiting?.reason ?? "";

describe("bad input is one clear error with its position, and nothing is applied", () => {
  const good = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bystander }\ndata: { a: b }\n---\n";
  const rows = [
    { name: "malformed YAML", text: "apiVersion: v1\nkind: ConfigMap\n  metadata: {\n", want: /:\d+:\d+/ },
    {
      name: "an unknown field",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndat: { a: b }\n",
      want: /:9:1.*dat.*did you mean.*data/s,
    },
    {
      name: "a wrong type",
      text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: a }\nspec: { replicas: many }\n",
      want: /:9:19.*replicas/s,
    },
    {
      name: "a name that is too long",
      text: `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${"a".repeat(254)} }\n`,
      want: /:8:19.*name/s,
    },
    {
      name: "a kind of another group",
      text: "apiVersion: example.com/v1\nkind: Widget\nmetadata: { name: a }\n",
      want: /Widget.*example\.com.*not supported/s,
    },
    {
      name: "a name that stands twice",
      text: "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: bystander }\n",
      want: /bystander.*(twice|duplicate|already|also|stands)/is,
    },
    {
      name: "an alias bomb",
      text: `a: &a [x,x,x,x,x,x,x,x,x,x]\n${[..."bcdefghi"].map((key, at) => `${key}: &${key} [${Array(10).fill(`*${"abcdefgh"[at]}`)}]\n`).join("")}`,
      want: /alias/i,
    },
  ];
  test.each(rows)("$name", async ({ text, want }) => {
    const startedAt = performance.now();
    const { exitCode, stderr } = await testbed.tryTsctl(["apply", "-f", "-"], { input: good + text });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(want);
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect((await testbed.tryTsctl(["get", "configmap", "bystander"])).exitCode).not.toBe(0);
  });

  test("a file of 50 MB", async () => {
    const file = join(testbed.layout.runDir, "big.yaml");
    writeFileSync(file, `a: ${"x".repeat(50 << 20)}\n`);
    const { exitCode, stderr } = await testbed.tryTsctl(["apply", "-f", file]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/big\.yaml.*(large|bytes|MiB)/s);
  });
});

describe("a pod that cannot run says why within seconds", () => {
  test("its image does not exist", async () => {
    await applyText(testbed, podYaml("no-image", ["sleep", "1"]).replace("tallship/hello:1", "no/such:image"));
    await eventually("no-image", "ErrImagePull", (seen) => /ErrImagePull|ImagePullBackOff/.test(waiting(seen)));
    await expect
      .poll(() => testbed.tsctl(["get", "pods"]))
      .toMatch(/no-image\s+0\/1\s+(ErrImagePull|ImagePullBackOff)/);
    expect(await testbed.tsctl(["describe", "pod", "no-image"])).toContain("no/such:image");
  });

  test("its command does not exist, and it is tried again with backoff", async () => {
    await applyText(testbed, podYaml("no-command", ["/no/such/command"]));
    const seen = await eventually("no-command", "a start error", ({ status }) =>
      /no such file|not found/i.test(JSON.stringify(status)),
    );
    expect(JSON.stringify(seen.status)).toMatch(
      /RunContainerError|StartError|ContainerCannotRun|CrashLoopBackOff|CreateContainerError/,
    );
  });

  test("a config that it names does not exist, until it does", async () => {
    const extras = "      envFrom: [{ configMapRef: { name: late } }]\n";
    await applyText(testbed, podYaml("no-config", ["sh", "-c", "echo $COLOR; sleep 1000"], extras));
    await eventually(
      "no-config",
      "CreateContainerConfigError",
      (seen) => waiting(seen) === "CreateContainerConfigError",
    );
    await applyText(testbed, "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: late }\ndata: { COLOR: blue }\n");
    await eventually("no-config", "running", ({ status }) => status.phase === "Running");
    await expect.poll(() => testbed.tsctl(["logs", "no-config"])).toBe("blue\n");
  });

  test("no node fits: the reason, with a count of nodes", async () => {
    await applyText(testbed, podYaml("too-big", ["sleep", "1"], "      resources: { requests: { memory: 900Gi } }\n"));
    const seen = await eventually(
      "too-big",
      "unschedulable",
      ({ status }) =>
        status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable") === true,
    );
    expect(JSON.stringify(seen.status.conditions)).toMatch(/0\/1 nodes.*insufficient memory/i);
    await expect.poll(() => testbed.tsctl(["describe", "pod", "too-big"])).toMatch(/insufficient memory/i);
  });

  test("a host port that is taken", async () => {
    const port = "      ports: [{ containerPort: 80, hostPort: 8099 }]\n";
    await applyText(
      testbed,
      `${podYaml("port-a", ["sleep", "1000"], port)}---\n${podYaml("port-b", ["sleep", "1000"], port)}`,
    );
    const blocked = await waitFor("one of the two to be refused", async () => {
      const both = await Promise.all([pod(testbed, "port-a"), pod(testbed, "port-b")]);
      return both.find((seen) =>
        seen?.status.conditions?.some(
          ({ reason, message }) => reason === "Unschedulable" && /port/.test(message ?? ""),
        ),
      );
    });
    expect(blocked?.status.phase).toBe("Pending");
  });

  test("it uses more memory than its limit: OOMKilled, and restarted", async () => {
    const hog = ["sh", "-c", "sleep 1; x=a; while true; do x=$x$x; done"];
    await applyText(testbed, podYaml("hog", hog, "      resources: { limits: { memory: 16Mi } }\n"));
    await eventually("hog", "OOMKilled", ({ status }) =>
      JSON.stringify(status.containerStatuses).includes('"OOMKilled"'),
    );
  });

  test("it ends by itself: exit code and phase follow its restart policy", async () => {
    await applyText(testbed, podYaml("once", ["sh", "-c", "exit 3"], "", "  restartPolicy: Never\n"));
    const seen = await eventually("once", "Failed", ({ status }) => status.phase === "Failed");
    expect(seen.status.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  });

  test("it crashes again and again: CrashLoopBackOff with a growing count", async () => {
    await applyText(testbed, podYaml("crash", ["sh", "-c", "exit 1"]));
    const seen = await eventually(
      "crash",
      "CrashLoopBackOff",
      (each) => waiting(each) === "CrashLoopBackOff" && (each.status.containerStatuses?.[0]?.restartCount ?? 0) >= 1,
    );
    expect(seen.status.containerStatuses?.[0]?.lastState?.terminated).toMatchObject({ exitCode: 1, reason: "Error" });
  });
});

test("the registry is down: the pull is tried again and succeeds when it is back", async () => {
  const { startRegistry, stopRegistry } = await import("../testbed/registry-host.js");
  await stopRegistry(testbed.layout);
  try {
    await applyText(
      testbed,
      podYaml("late-registry", ["sleep", "1000"]).replace("tallship/hello:1", "tallship/hello:2"),
    );
    await eventually("late-registry", "a pull error", (seen) => /ErrImagePull|ImagePullBackOff/.test(waiting(seen)));
  } finally {
    await startRegistry(testbed.layout);
  }
  await eventually("late-registry", "running", ({ status }) => status.phase === "Running");
});

test("the control plane cannot be reached: one line that names the server and what to do", async () => {
  await testbed.process("host1", "supervise", "kill");
  await testbed.process("host1", "controlplane", "kill");
  try {
    const { exitCode, stderr } = await testbed.tryTsctl(["get", "pods"]);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/127\.0\.0\.1:\d+/);
    expect(stderr.trim().split("\n").length).toBeLessThanOrEqual(3);
  } finally {
    await testbed.process("host1", "controlplane", "start");
  }
  await waitFor("the control plane to answer", async () => (await testbed.tryTsctl(["get", "pods"])).exitCode === 0);
});
