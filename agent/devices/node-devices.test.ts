import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { noDevices } from "../../test/kit/no-devices.js";
import type { CdiFile } from "./cdi-catalog.js";
import { type Allocations, type DeviceEdges, NodeDevices } from "./node-devices.js";
import { deviceConditions } from "./watch-devices.js";

/** A host whose files and disk the test holds in its hands. */
function host() {
  const disk = { files: [] as readonly CdiFile[] | undefined, saved: new Map() as Allocations, isFull: false };
  const edges: DeviceEdges = {
    ...noDevices,
    read: () => disk.files,
    load: () => disk.saved,
    save: async (all) => {
      if (disk.isFull) throw new Error("no space left on device");
      disk.saved = new Map(all);
    },
  };
  return { disk, start: () => new NodeDevices(edges, silentLog) };
}

const gpus = (...names: readonly string[]): CdiFile => ({
  path: "/etc/cdi/gpu.json",
  rank: 0,
  content: {
    is: "text",
    text: JSON.stringify({
      cdiVersion: "0.6.0",
      kind: "a.b/gpu",
      containerEdits: { env: ["DRIVER=1"] },
      devices: names.map((name) => ({ name, containerEdits: { env: [`GPU${name}=1`] } })),
    }),
  },
});

const pod = (count: number, container = "web"): Pod =>
  Pod.fromPartial({ spec: { containers: [{ name: container, resources: { limits: { "a.b/gpu": `${count}` } } }] } });
const envOf = async (devices: NodeDevices, uid: string, of: Pod) =>
  (await devices.editsOf(uid, of, "web")).flatMap(({ env }) => env);

test("what a pod has it keeps over the agent's death, and another gets the next one", async () => {
  const { disk, start } = host();
  disk.files = [gpus("0", "1")];
  const first = start();
  await first.assign("u2", pod(1));
  const next = start();
  await next.assign("u1", pod(1));
  expect(await envOf(next, "u2", pod(1))).toEqual(["DRIVER=1", "GPU0=1"]);
  expect(await envOf(next, "u1", pod(1))).toEqual(["DRIVER=1", "GPU1=1"]);
  await expect(next.assign("u3", pod(1))).rejects.toMatchObject({ code: "resource_exhausted" });
  expect(next.pods()).toEqual(["u2", "u1"]);
  await next.release("u2");
  await next.release("u2");
  expect([...disk.saved.keys()]).toEqual(["u1"]);
});

test("what a file gives to all its devices is given once", async () => {
  const { disk, start } = host();
  disk.files = [gpus("0", "1")];
  expect(await envOf(start(), "u1", pod(2))).toEqual(["DRIVER=1", "GPU0=1", "GPU1=1"]);
});

test("a device that goes shrinks what is offered and stays with its pod until that needs another", async () => {
  const { disk, start } = host();
  disk.files = [gpus("0", "1")];
  const devices = start();
  await devices.assign("u1", pod(1));
  disk.files = undefined;
  expect(devices.look()).toBe(false);
  disk.files = [gpus("1")];
  expect(devices.look()).toBe(true);
  expect(devices.report()).toEqual({
    counts: { "a.b/gpu": 1 },
    devices: [{ name: "a.b/gpu=1", aliases: [] }],
    problems: [],
  });
  expect(disk.saved.get("u1")).toEqual({ web: [{ kind: "a.b/gpu", name: "0" }] });
  expect(await envOf(devices, "u1", pod(1))).toEqual(["DRIVER=1", "GPU1=1"]);
  disk.files = [];
  devices.look();
  expect(devices.report().counts).toEqual({ "a.b/gpu": 0 });
  await devices.release("u1");
  expect(devices.report().counts).toEqual({});
});

test("a pod that could not be noted on the disk is told so, and the next try writes it", async () => {
  const { disk, start } = host();
  disk.files = [gpus("0")];
  const devices = start();
  disk.isFull = true;
  await expect(devices.assign("u1", pod(1))).rejects.toMatchObject({ code: "disk_failed" });
  disk.isFull = false;
  await devices.assign("u1", pod(1));
  expect([...disk.saved.keys()]).toEqual(["u1"]);
});

test("the node says what is wrong with its files, by file, and nothing where there is nothing", () => {
  const { disk, start } = host();
  expect(deviceConditions(start())).toEqual([]);
  disk.files = [{ path: "/etc/cdi/bad.yaml", rank: 0, content: { is: "text", text: "kind: 1" } }];
  expect(deviceConditions(start())[0]).toMatchObject({
    type: "DeviceProblem",
    status: "True",
    message: "/etc/cdi/bad.yaml:1:1: cdiVersion is missing",
  });
  disk.files = [gpus("0")];
  expect(deviceConditions(start())[0]).toMatchObject({ status: "False", reason: "DeviceFilesValid" });
});
