import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, pod, podYaml, startCluster } from "./cluster.js";

// Two devices of one host, three pods that want one each: over the agent's death, and the host's.

let testbed: Testbed;

const KIND = "acme.example/accelerator";
const HOST = "host2";

/** A file as a vendor writes it. The devices are only names to those who have them. */
const CDI = {
  cdiVersion: "0.6.0",
  kind: KIND,
  devices: ["0", "1"].map((name) => ({ name, containerEdits: { env: [`ACME_${name}=1`] } })),
};

/** What each pod says of its devices in every run, the first run first. */
async function runsOf(name: string): Promise<readonly string[]> {
  const { stdout } = await testbed.tryTsctl(["exec", name, "--", "cat", "/kept/devices"]);
  return stdout.split("\n").filter((line) => line !== "");
}

const asking = (name: string): string =>
  podYaml(
    name,
    ["sh", "-c", "echo $(env | grep ACME_) >> /kept/devices; trap 'exit 0' TERM; while :; do sleep 0.1; done"],
    `      resources: { limits: { ${KIND}: 1 } }\n      volumeMounts: [{ name: kept, mountPath: /kept }]\n`,
    "  volumes: [{ name: kept, emptyDir: {} }]\n  tolerations: [{ operator: Exists, effect: NoExecute }]\n",
  );

const until = (what: string, holds: () => Promise<boolean>): Promise<boolean> =>
  waitFor(what, holds, { deadlineMs: 60_000, everyMs: 200 });
const holders = (): Promise<readonly (readonly string[])[]> => Promise.all(["first", "second"].map(runsOf));
const isWaiting = async (): Promise<boolean> => {
  const seen = await pod(testbed, "third");
  return seen?.spec.nodeName === undefined && /accelerator/.test(JSON.stringify(seen?.status.conditions));
};

beforeAll(async () => {
  testbed = await startCluster("devices", { hostCount: 2 });
  await testbed.exec(HOST, ["sh", "-c", "mkdir -p /etc/cdi && cat > /etc/cdi/acme.json"], {
    input: JSON.stringify(CDI),
  });
  await until("the devices to be offered", async () =>
    (await testbed.tsctl(["get", "node", HOST, "-o", "json"])).includes(`"${KIND}": "2"`),
  );
  await applyText(testbed, `${asking("first")}---\n${asking("second")}`);
  await until("both to say what they have", async () => (await holders()).every(({ length }) => length === 1));
  await applyText(testbed, asking("third"));
  await until("the third to wait", isWaiting);
});

afterAll(async () => {
  await testbed?.down();
});

test("each has a device of its own, and who has none is told why", async () => {
  expect((await holders()).flat().sort()).toEqual(["ACME_0=1", "ACME_1=1"]);
});

test("an agent that was killed gives nothing twice, and its containers go on with what they have", async () => {
  const before = await holders();
  await testbed.process(HOST, "agent", "kill");
  await until("the host to be ready", async () => (await testbed.tsctl(["get", "node", HOST])).includes(" Ready"));
  await applyText(testbed, asking("fourth"));
  await until("its agent to answer", async () => (await holders()).every(({ length }) => length > 0));
  expect(await holders()).toEqual(before);
  await until("the third to wait as before", isWaiting);
  await testbed.tsctl(["delete", "pod", "fourth"]);
});

test("after a power cut each pod has the device that it had, and the third still none", async () => {
  const before = await holders();
  await testbed.power(HOST, "poweroff");
  await testbed.power(HOST, "start");
  await until("both to run again", async () => (await holders()).every(({ length }) => length === 2));
  expect(await holders()).toEqual(before.map(([own]) => [own, own]));
  // Why it waits is said at most every fifteen seconds: that its host was away may still stand there.
  await until("the third to wait for a device", isWaiting);
});

test("who waited gets the device of one that goes", async () => {
  const [, [free] = []] = await holders();
  await testbed.tsctl(["delete", "pod", "second"]);
  await until("the third to have one", async () => (await runsOf("third")).length === 1);
  expect(await runsOf("third")).toEqual([free]);
});
