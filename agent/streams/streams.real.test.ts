import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { KEEP_FILES, STARTS, STOPPED } from "../../kinds/power.js";
import { systemClock } from "../../lib/system-clock.js";
import { tarEntry } from "../../lib/tar/entry.js";
import { tarArchive } from "../../lib/tar/tar-writer.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type AttachStart, CopyStart, ExecInput, type ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import { AgentMachine, testPod } from "../../test/kit/agent-machine.js";
import { joinContainer } from "../../test/kit/operator.js";
import { waitFor } from "../../test/kit/wait.js";
import type { PodLoop } from "../pod-loop.js";
import { copy } from "./copy.js";
import { forward } from "./forward.js";

let machine: AgentMachine;
let loop: PodLoop;
let over: AbortController;

beforeEach(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
  over = new AbortController();
});
afterEach(async () => {
  over.abort();
  await machine.close();
});

const sh = (script: string) => ({ name: "web", image: "busybox", command: ["sh", "-c", script] });
const running = (uid: string) => machine.until(uid, "to run", ({ phase }) => phase === "Running");

const join = (uid: string, start: Partial<AttachStart>) =>
  joinContainer({ machine, loop, signal: over.signal }, uid, start);

test("what an operator types reaches the container, its two outputs and its exit code come back", async () => {
  loop.setDesired(
    testPod("cat", {
      restartPolicy: "Never",
      containers: [{ ...sh("echo first; echo oops >&2; cat; exit 7"), stdin: true, stdinOnce: true }],
    }),
  );
  await running("cat");
  const operator = join("cat", {});
  operator.type("hello\nno end");
  await waitFor("the echo", () => operator.seen.out.includes("no end"));
  operator.leave();
  expect(await operator.ended).toEqual({ out: "first\nhello\nno end", err: "oops\n", exitCode: 7 });
});

test("a terminal echoes, shows its prompt, and has the operator's size; who leaves lets it run", async () => {
  loop.setDesired(testPod("term", { containers: [{ ...sh("exec sh -i"), stdin: true, tty: true }] }));
  await running("term");
  const first = join("term", { size: { width: 100, height: 40 } });
  first.type("stty size; test -t 0 && echo TTY$TERM\n");
  await waitFor("the size", () => first.seen.out.includes("40 100") && first.seen.out.includes("TTYxterm"));
  first.resize(90, 30);
  first.type("while [ \"$(stty size)\" != '30 90' ]; do :; done; echo RE''SIZED\n");
  await waitFor("the new size", () => first.seen.out.includes("RESIZED"));
  first.leave();
  const second = join("term", { fromStart: false });
  second.type("echo again; exit 3\n");
  expect(await second.ended).toMatchObject({ exitCode: 3 });
  expect(second.seen.out).toContain("again");
  expect(second.seen.out).not.toContain("40 100");
});

test("a stopped pod keeps what it wrote, and starts again with it", async () => {
  const annotated = (more: Record<string, string>) => {
    const of = testPod("kept", {
      restartPolicy: "Never",
      terminationGracePeriodSeconds: 5,
      volumes: [{ name: "data", emptyDir: {} }],
      containers: [
        {
          ...sh(
            "trap 'exit 0' TERM; echo run >> /own; echo run >> /data/shared; cat /own /data/shared; while :; do sleep 0.05; done",
          ),
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
    });
    const status = machine.statuses.get("kept");
    return Pod.fromPartial({
      ...of,
      metadata: { ...of.metadata, annotations: { [KEEP_FILES]: "true", ...more } },
      status,
    });
  };
  loop.setDesired(annotated({}));
  await running("kept");
  await waitFor("its file", () => machine.log({ podUid: "kept", container: "web", attempt: 0 }).includes("run"));
  loop.setDesired(annotated({ [STOPPED]: "" }));
  await machine.until("kept", "to have stopped", ({ phase }) => phase === "Succeeded");
  await machine.stopAgent();
  loop = await machine.start();
  loop.setDesired(annotated({ [STARTS]: "1" }));
  await running("kept");
  const log = () => machine.log({ podUid: "kept", container: "web", attempt: 1 });
  await waitFor("both files to have two lines", () => log().match(/run/g)?.length === 4);
});

/** A copy into or out of the pod's container. */
async function copied(uid: string, start: Partial<CopyStart>, archive: Uint8Array = Buffer.alloc(0)): Promise<Buffer> {
  const [run] = await machine.driver.list(uid);
  if (run?.state.is !== "running") throw new Error("it does not run");
  async function* input() {
    yield ExecInput.fromPartial({ part: { $case: "stdin", value: Buffer.from(archive) } });
  }
  const parts: Buffer[] = [];
  const whole = CopyStart.fromPartial({ container: "web", ...start });
  for await (const { part } of copy({ path: `/proc/${run.state.pid}/root` }, whole, input(), over.signal))
    if (part?.$case === "stdout") parts.push(Buffer.from(part.value));
  return Buffer.concat(parts);
}

const listed = (archive: Buffer): readonly string[] =>
  execFileSync("tar", ["-tf", "-"], { input: archive }).toString("utf8").trim().split("\n").sort();

test("files go into a container and come out of it, volumes and links as its processes see them", async () => {
  const secret = `${machine.machine.folder}/secret`;
  writeFileSync(secret, "of the host");
  loop.setDesired(
    testPod("files", {
      volumes: [{ name: "data", emptyDir: {} }],
      containers: [
        {
          ...sh(
            `mkdir -p /data/a; echo x > /data/a/one; ln -s /data/a /shortcut; ln -s ${secret} /data/a/out; touch /ready; sleep 1000`,
          ),
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
    }),
  );
  await running("files");
  await waitFor("its files", async () => (await copied("files", { path: "/ready" }).catch(() => undefined))?.length);
  expect(listed(await copied("files", { path: "/shortcut/" }))).toEqual(["shortcut/", "shortcut/one", "shortcut/out"]);
  expect(listed(await copied("files", { path: "/shortcut/." }))).toEqual(["./", "./one", "./out"]);
  // There is such a file on the host, for who walks by name.
  const followed = await copied("files", { path: "/data/a/out", followsLink: true }).catch(
    (error: unknown) => `${error}`,
  );
  expect(followed).toContain("no such file");
  const archive = tarArchive([[tarEntry("hello", "file", { mode: 0o640, uid: 7 }), Buffer.from("hi")]]);
  await copied("files", { path: "/shortcut", isInto: true }, archive);
  await copied("files", { path: "/data/renamed", isInto: true }, archive);
  const out = await copied("files", { path: "/data/." });
  expect(listed(out)).toContain("./a/hello");
  expect(execFileSync("tar", ["-xOf", "-", "./renamed"], { input: out }).toString()).toBe("hi");
});

test("an archive cannot lead out of where it goes", async () => {
  loop.setDesired(testPod("target", { containers: [sh("mkdir /in; sleep 1000")] }));
  await running("target");
  await waitFor("its folder", async () => (await copied("target", { path: "/in" }).catch(() => undefined))?.length);
  const outside = machine.machine.folder;
  const hostile = [
    tarArchive([
      [tarEntry("d", "symlink", { linkPath: outside }), Buffer.alloc(0)],
      [tarEntry("d/evil", "file"), Buffer.from("x")],
    ]),
    tarArchive([[tarEntry(`../../..${outside}/evil`, "file"), Buffer.from("x")]]),
    tarArchive([[tarEntry("h", "link", { linkPath: "../../etc/passwd" }), Buffer.alloc(0)]]),
  ];
  for (const archive of hostile) {
    const failure = await copied("target", { path: "/in", isInto: true, isAsIs: true }, archive).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "invalid_argument" });
  }
  expect(execFileSync("find", [outside, "-name", "evil"]).toString()).toBe("");
});

/** A command in a pod's container web: what it said, and its exit code. */
async function executed(uid: string, command: readonly string[], isDetached: boolean) {
  const key = { podUid: uid, container: "web", attempt: 0 };
  const asked = { command, hasTerminal: false, hasStdin: false, size: undefined, isDetached };
  let said = "";
  for await (const part of (await machine.driver.exec(key, asked)).output) {
    if (part.is === "exit") return { said, exitCode: part.exitCode };
    said += Buffer.from(part.bytes).toString();
  }
  return { said, exitCode: undefined };
}

test("a command that is left to itself goes on when its session has ended, and one that cannot start says why", async () => {
  loop.setDesired(testPod("detached", { containers: [sh("sleep 1000")] }));
  await running("detached");
  const script = ["sh", "-c", "echo noise; while [ ! -e /go ]; do sleep 0.05; done; echo went > /went"];
  expect(await executed("detached", script, true)).toEqual({ said: "", exitCode: 0 });
  expect(await executed("detached", ["touch", "/go"], false)).toEqual({ said: "", exitCode: 0 });
  await waitFor("its file", async () => {
    const file = await copied("detached", { path: "/went" }).catch(() => undefined);
    return file?.includes("went\n") || undefined;
  });
  for (const isDetached of [true, false]) {
    const missing = await executed("detached", ["nosuch"], isDetached);
    expect(missing).toEqual({ said: expect.stringContaining("`nosuch` not found in $PATH"), exitCode: 127 });
  }
});

test("a connection reaches a server on the pod's loopback; where nobody listens it fails and says so", async () => {
  loop.setDesired(
    testPod("net", {
      containers: [{ ...sh("while :; do nc -l -p 18347 -e echo hello from inside; done"), name: "web" }],
      hostNetwork: true,
    }),
  );
  await running("net");
  const visit = async (port: number): Promise<string> => {
    let text = "";
    async function* input(): AsyncGenerator<ExecInput> {
      await new Promise((resolve) => over.signal.addEventListener("abort", resolve));
    }
    const outputs: AsyncIterable<ExecOutput> = forward({ netnsPath: undefined, port }, input(), {
      clock: systemClock,
      signal: over.signal,
    });
    for await (const { part } of outputs) if (part?.$case === "stdout") text += part.value.toString("utf8");
    return text;
  };
  await waitFor("an answer", async () => {
    return (await visit(18347)).includes("hello from inside");
  });
  await expect(visit(18348)).rejects.toMatchObject({ message: expect.stringContaining("refused") });
});

test("a container that is added to a running pod sees its target's processes, runs once, and disturbs nobody", async () => {
  const of = (more: object) => {
    const pod = testPod("looked-at", { containers: [sh("exec sleep 4711")], ...more });
    return Pod.fromPartial({ ...pod, status: machine.statuses.get("looked-at") });
  };
  loop.setDesired(of({}));
  await running("looked-at");
  const added = {
    ...sh("cat /proc/1/cmdline | tr '\\0' ' '; exit 5"),
    name: "debugger",
    targetContainerName: "web",
  };
  loop.setDesired(of({ ephemeralContainers: [added] }));
  const { containerStatuses, ephemeralContainerStatuses, phase } = await machine.until(
    "looked-at",
    "its debugger to have ended",
    (status) => status.ephemeralContainerStatuses[0]?.state?.terminated !== undefined,
  );
  expect(ephemeralContainerStatuses[0]?.state?.terminated?.exitCode).toBe(5);
  expect(machine.log({ podUid: "looked-at", container: "debugger", attempt: 0 })).toContain("sleep 4711");
  expect([phase, containerStatuses[0]?.ready, containerStatuses[0]?.restartCount]).toEqual(["Running", true, 0]);
  await waitFor("its traces to go", async () => (await machine.driver.list("looked-at")).length === 1);
});
