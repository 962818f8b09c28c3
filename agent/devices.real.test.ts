import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DEVICES } from "../kinds/devices.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { AgentMachine, testPod } from "../test/kit/agent-machine.js";
import { waitFor } from "../test/kit/wait.js";
import type { PodLoop } from "./pod-loop.js";

// Devices that are described by a file, with the numbers of /dev/fuse and /dev/net/tun: every machine has those, and no container may open them unasked. Real
// crun, real control groups.

let machine: AgentMachine;
let loop: PodLoop;

beforeEach(async () => {
  machine = new AgentMachine();
  mkdirSync(machine.deviceFolder, { recursive: true });
});
afterEach(async () => machine.close());

const KIND = "acme.example/accelerator";
const MINORS = { "0": 229, "1": 200 } as const;

/** A file as a vendor writes it, of some of the two devices. */
function describe(names: readonly ("0" | "1")[]): void {
  const log = `${machine.machine.folder}/hooks`;
  const hook = (hookName: string) => ({
    hookName,
    path: "/bin/sh",
    args: ["sh", "-c", `echo ${hookName} >> ${log}`],
    timeout: 5,
  });
  writeFileSync(`${machine.machine.folder}/library`, "a library of the host\n");
  const spec = {
    cdiVersion: "0.7.0",
    kind: KIND,
    containerEdits: {
      env: ["ACME_DRIVER=1"],
      mounts: [
        {
          hostPath: `${machine.machine.folder}/library`,
          containerPath: "/opt/acme.so",
          options: ["ro", "nosuid", "bind"],
        },
      ],
      hooks: [hook("createRuntime"), hook("poststart"), hook("poststop")],
      additionalGids: [4242],
    },
    devices: names.map((name) => ({
      name,
      containerEdits: {
        env: [`ACME_${name}=1`],
        deviceNodes: [
          { path: `/dev/acme${name}`, type: "c", major: 10, minor: MINORS[name], permissions: "rw", fileMode: 0o660 },
        ],
      },
    })),
  };
  writeFileSync(`${machine.deviceFolder}/acme.json`, JSON.stringify(spec));
}

const asking = (uid: string, script: string, devices = ""): Pod => {
  const pod = testPod(uid, {
    containers: [
      { name: "web", image: "busybox", command: ["sh", "-c", script], resources: { limits: { [KIND]: "1" } } },
    ],
  });
  return devices === "" ? pod : { ...pod, metadata: { ...pod.metadata, annotations: { [DEVICES]: devices } } as never };
};
const rest = "trap 'exit 0' TERM; while :; do sleep 0.05; done";
const runs = (uid: string) => machine.until(uid, "to run", ({ phase }) => phase === "Running");
const log = (uid: string, attempt = 0) => machine.log({ podUid: uid, container: "web", attempt });
/** A container that runs may not have said anything yet. */
const says = (uid: string, word: string) => waitFor(`${uid} to say ${word}`, () => log(uid).includes(word));

test("a container gets its device's node with the right to use it, variables, mounts, groups and programs, and no other's", async () => {
  describe(["0", "1"]);
  loop = await machine.start();
  const script = [
    "exec 2>&1; ls -ln /dev/acme* | tr -s ' '",
    "(: </dev/acme0) && echo can open it",
    "cat /opt/acme.so; echo x > /opt/acme.so || echo mounted read-only",
    "id -G; env | grep ACME_ | sort",
    "mknod /tmp/other c 10 200; (: </tmp/other) && echo can open others || echo no others",
    rest,
  ].join("; ");
  loop.setDesired(asking("one", script));
  await runs("one");
  await waitFor("the container to say what it has", () => log("one").includes("others"));
  const said = log("one");
  expect(said).toMatch(/crw-rw---- .* 10, 229 .*\/dev\/acme0/);
  expect(said).not.toContain("acme1");
  expect(said).toContain("can open it");
  expect(said).toMatch(/\/tmp\/other: Operation not permitted[\s\S]*no others/);
  expect(said).toContain("a library of the host");
  expect(said).toContain("mounted read-only");
  expect(said).toMatch(/F 0 .*4242/);
  expect(said).toMatch(/ACME_0=1\n[\s\S]*ACME_DRIVER=1/);
  await waitFor("the programs to have run", () =>
    readFileSync(`${machine.machine.folder}/hooks`, "utf8").includes("poststart"),
  );
  loop.replaceDesired([]);
  await waitFor("the pod to go", () => loop.get("one") === undefined);
  expect(machine.nodeDevices.pods()).toEqual([]);
  expect(readFileSync(`${machine.machine.folder}/hooks`, "utf8")).toBe("createRuntime\npoststart\npoststop\n");
});

test("two pods have one device each, over the agent's death; a third waits, is told why, and follows when one goes", async () => {
  describe(["0", "1"]);
  loop = await machine.start();
  const show = `env | grep ACME_; ${rest}`;
  loop.replaceDesired([asking("a", show, `${KIND}=1`), asking("b", show)]);
  await Promise.all([runs("a"), runs("b")]);
  await says("a", "ACME_1=1");
  await says("b", "ACME_0=1");
  await machine.stopAgent();
  loop = await machine.start();
  const third = asking("c", show);
  loop.replaceDesired([asking("a", show, `${KIND}=1`), asking("b", show), third]);
  await waitFor("the third to be told", () =>
    machine.notices.some(({ reason }) => reason === "UnexpectedAdmissionError"),
  );
  expect(machine.notices.find(({ reason }) => reason === "UnexpectedAdmissionError")?.message).toContain(
    `requested number of devices unavailable for ${KIND}. Requested: 1, Available: 0 of 2`,
  );
  loop.replaceDesired([asking("a", show, `${KIND}=1`), third]);
  await runs("c");
  await says("c", "ACME_0=1");
});

test("a device that is taken away goes from what is offered, its pod runs on; a file with faults is told and changes nothing else", async () => {
  describe(["0", "1"]);
  loop = await machine.start();
  loop.setDesired(asking("a", rest, `${KIND}=0`));
  await runs("a");
  describe(["1"]);
  writeFileSync(`${machine.deviceFolder}/bad.yaml`, "cdiVersion: 0.6.0\nkind: nothing\ndevices: []\n");
  expect(machine.nodeDevices.look()).toBe(true);
  expect(machine.nodeDevices.report()).toEqual({
    counts: { [KIND]: 1 },
    devices: [{ name: `${KIND}=1`, aliases: [] }],
    problems: [expect.stringContaining('bad.yaml:2:7: want vendor/class, found "nothing"')],
  });
  rmSync(`${machine.deviceFolder}/acme.json`);
  machine.nodeDevices.look();
  expect(machine.nodeDevices.report().counts).toEqual({ [KIND]: 0 });
  expect(machine.statuses.get("a")?.containerStatuses[0]).toMatchObject({ ready: true, restartCount: 0 });
  expect(existsSync(machine.deviceFolder)).toBe(true);
});
