import { afterAll, beforeAll, expect, test } from "vitest";
import { STOPPED } from "../kinds/power.js";
import { AgentMachine } from "../test/kit/agent-machine.js";
import { joinContainer } from "../test/kit/operator.js";
import { FOREVER, runIn, userPod } from "../test/kit/user-pods.js";
import { waitFor } from "../test/kit/wait.js";
import type { PodLoop } from "./pod-loop.js";

// What reaches into a container from outside - an operator that joins it, commands, probes and hooks - where its users are not the host's.
let machine: AgentMachine;
let loop: PodLoop;
const over = new AbortController();
beforeAll(async () => {
  machine = new AgentMachine();
  loop = await machine.start();
});
afterAll(async () => {
  over.abort();
  await machine.close();
});

const sh = (script: string) => ({ name: "web", image: "busybox", command: ["sh", "-c", script] });
const running = (uid: string) => machine.until(uid, "to run", ({ phase }) => phase === "Running");
const join = (uid: string) => joinContainer({ machine, loop, signal: over.signal }, uid, {});

test("what an operator types reaches the container, and what it answers comes back", async () => {
  const script = "id -u; while read -r line; do echo got $line; done; exit 7";
  loop.setDesired(userPod("typed", { containers: [{ ...sh(script), stdin: true, stdinOnce: true }] }));
  await running("typed");
  const operator = join("typed");
  operator.type("hello\n");
  await waitFor("the answer", () => operator.seen.out.includes("got hello"));
  operator.leave();
  expect(await operator.ended).toEqual({ out: "0\ngot hello\n", err: "", exitCode: 7 });
});

test("a terminal belongs to the container's own root, whether it is joined or opened for a command", async () => {
  loop.setDesired(userPod("term", { containers: [{ ...sh("exec sh -i"), stdin: true, tty: true }] }));
  await running("term");
  const operator = join("term");
  const look = "test -t 0 && stat -c 'own %u' $(tty)";
  operator.type(`${look}\n`);
  await waitFor("the terminal's owner", () => operator.seen.out.includes("own 0"));
  operator.resize(90, 30);
  operator.type("while [ \"$(stty size)\" != '30 90' ]; do :; done; echo RE''SIZED\n");
  await waitFor("the new size", () => operator.seen.out.includes("RESIZED"));
  expect(await runIn(machine, "term", { command: ["sh", "-c", look], hasTerminal: true })).toContain("own 0");
  operator.type("exit 3\n");
  expect(await operator.ended).toMatchObject({ exitCode: 3 });
});

test("commands of probes and hooks run as the container's own root, and their verdicts count", async () => {
  const isRoot = "[ $(id -u) = 0 ] && grep -q 65536 /proc/self/uid_map";
  const exec = (script: string) => ({ exec: { command: ["sh", "-c", script] } });
  const probe = (script: string) => ({ ...exec(script), periodSeconds: 1, timeoutSeconds: 10, failureThreshold: 30 });
  const container = {
    ...sh(FOREVER),
    lifecycle: { postStart: exec(`${isRoot} && touch /posted`), preStop: exec("echo bye >/dev/termination-log") },
    startupProbe: probe(`${isRoot} && [ -e /posted ] && touch /started`),
    readinessProbe: probe("[ -e /started ] && [ -e /asked ]"),
  };
  const spec = { restartPolicy: "Always", containers: [container] };
  loop.setDesired(userPod("probed", spec));
  const isStarted = await machine.until("probed", "to have started", ({ containerStatuses }) =>
    containerStatuses.every(({ started }) => started === true),
  );
  expect(isStarted.containerStatuses[0]?.ready).toBe(false);
  await runIn(machine, "probed", { command: ["touch", "/asked"] });
  await machine.until("probed", "to be ready", ({ containerStatuses }) => containerStatuses[0]?.ready === true);
  expect(await runIn(machine, "probed", { command: ["stat", "-c", "%u", "/posted", "/started"] })).toBe("0\n0\n");
  loop.setDesired(userPod("probed", spec, { [STOPPED]: "" }));
  const { containerStatuses } = await machine.until("probed", "to have stopped", ({ phase }) => phase === "Succeeded");
  expect(containerStatuses[0]?.state?.terminated?.message).toBe("bye\n");
});
