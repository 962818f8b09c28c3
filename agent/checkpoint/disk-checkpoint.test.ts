import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { waitFor } from "../../test/kit/wait.js";
import { newRecord } from "../pod-record.js";
import { openDiskCheckpoint } from "./disk-checkpoint.js";
import { nodeSeal } from "./seal.js";

let dataDir: string;
let clock: ManualClock;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "tallship-checkpoint-"));
  clock = new ManualClock();
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const seal = nodeSeal("node key", seededRng(1));
const open = () => openDiskCheckpoint({ dataDir, seal, clock, log: silentLog });
const podOf = (uid: string, isSecret = false) => {
  const content = { revision: 1, values: { token: Buffer.from("s3cret") } };
  const configs = isSecret ? { configMaps: {}, secrets: { key: content } } : undefined;
  return { record: newRecord({ uid, namespace: "shop", name: uid }, 5, "boot"), pod: undefined, configs };
};
const uidsIn = async (checkpoint: ReturnType<typeof open>) => (await checkpoint.load()).map(({ record }) => record.uid);

test("an agent finds the pods that the one before saved and did not remove", async () => {
  const checkpoint = open();
  for (const uid of ["u1", "u2", "u3"]) await checkpoint.save(podOf(uid));
  await checkpoint.remove("u2");
  expect(await uidsIn(open())).toEqual(["u1", "u3"]);
});

test("a pod whose line was damaged is left out, and the others are there", async () => {
  const checkpoint = open();
  for (const uid of ["u1", "u2"]) await checkpoint.save(podOf(uid));
  const path = join(dataDir, "checkpoint/pods");
  writeFileSync(path, readFileSync(path, "utf8").replace('"name":"u1"', '"name":"uX"'));
  expect(await uidsIn(open())).toEqual(["u2"]);
});

test("what a pod read from secrets leaves the disk with the pod", async () => {
  const checkpoint = open();
  await checkpoint.save(podOf("u1", true));
  await checkpoint.save(podOf("u2"));
  const sealed = readFileSync(join(dataDir, "checkpoint/pods"), "utf8");
  await checkpoint.remove("u1");
  await clock.advance(limit("checkpointSyncMs"));
  const text = () => readFileSync(join(dataDir, "checkpoint/pods"), "utf8");
  await waitFor("history to be left out", () => !text().includes("u1"));
  expect(sealed).toContain("u1");
  expect(await uidsIn(open())).toEqual(["u2"]);
});

test("an agent that died before it had left history out leaves that to the next", async () => {
  const checkpoint = open();
  await checkpoint.save(podOf("u1", true));
  await checkpoint.save(podOf("u2"));
  await checkpoint.remove("u1");
  clock = new ManualClock(); // Nothing that the dead one waited for comes any more.
  expect(await uidsIn(open())).toEqual(["u2"]);
  await clock.advance(limit("checkpointSyncMs"));
  await waitFor("history to be left out", () => !readFileSync(join(dataDir, "checkpoint/pods"), "utf8").includes("u1"));
});

test("where history could not be left out it is with the next change", async () => {
  const checkpoint = open();
  await checkpoint.save(podOf("u1", true));
  await checkpoint.remove("u1");
  mkdirSync(join(dataDir, "checkpoint/pods.next"));
  await clock.advance(limit("checkpointSyncMs"));
  expect(readFileSync(join(dataDir, "checkpoint/pods"), "utf8")).toContain("u1");
  rmSync(join(dataDir, "checkpoint/pods.next"), { recursive: true });
  await checkpoint.save(podOf("u2"));
  await clock.advance(limit("checkpointSyncMs"));
  await waitFor("history to be left out", () => !readFileSync(join(dataDir, "checkpoint/pods"), "utf8").includes("u1"));
});

test("a pod that changes for ever does not fill the disk", async () => {
  const checkpoint = open();
  for (let round = 0; round < 20; round += 1) {
    for (let at = 0; at < 500; at += 1) await checkpoint.save(podOf("u1"));
    await clock.advance(limit("checkpointSyncMs"));
  }
  await waitFor("history to be left out", () => readFileSync(join(dataDir, "checkpoint/pods")).length < 1_500_000);
  expect(await uidsIn(open())).toEqual(["u1"]);
});
