import { expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";
import { PersistentVolume } from "../../proto/gen/tallship/v1/persistentvolume.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { Reclaimer } from "./reclaimer.js";

const volume = (name: string, phase: string, policy = "Delete", by = "tallship.dev/local"): PersistentVolume =>
  PersistentVolume.fromPartial({
    metadata: { name, uid: name, annotations: { "pv.kubernetes.io/provisioned-by": by } },
    spec: { persistentVolumeReclaimPolicy: policy, local: { path: `/data/volumes/${name}` } },
    status: { phase },
  });

/** A node with these volumes, of which `failing` say what goes wrong next. */
async function reclaimed(volumes: readonly PersistentVolume[], failing: { remove?: number; report?: number } = {}) {
  const clock = new ManualClock();
  const removed: string[] = [];
  const told: string[] = [];
  const left = { remove: 0, report: 0, ...failing };
  const fail = (what: "remove" | "report"): void => {
    left[what] -= 1;
    if (left[what] >= 0) throw new TallshipError(what === "remove" ? "disk_failed" : "unavailable", `${what} fails`);
  };
  const reclaimer = new Reclaimer({
    disk: {
      removeLocal: async (path) => {
        fail("remove");
        removed.push(path);
      },
    },
    report: async ({ metadata, status }) => {
      fail("report");
      told.push(`${metadata?.name} ${status?.phase} ${status?.reason}${status?.message ? ` ${status.message}` : ""}`);
    },
    clock,
    rng: seededRng(1),
    log: silentLog,
  });
  const stop = new AbortController();
  const running = reclaimer.run(stop.signal);
  const changes = volumes.map((object) => ({
    key: `PersistentVolume//${object.metadata?.name}`,
    typed: { kind: "PersistentVolume", object } as const,
  }));
  reclaimer.take({ changes, revision: 1, isWhole: true });
  await clock.advance(60_000);
  stop.abort();
  await clock.advance(0);
  await running;
  return { removed, told };
}

test("only the folders of volumes that are over, are to be deleted and were made here go, and that is told once", async () => {
  const volumes = [
    volume("over", "Released"),
    volume("bound", "Bound"),
    volume("kept", "Released", "Retain"),
    volume("by-hand", "Released", "Delete", ""),
  ];
  expect(await reclaimed(volumes)).toEqual({
    removed: ["/data/volumes/over"],
    told: ["over Released FolderRemoved"],
  });
});

test("a folder that cannot be removed is told and tried again", async () => {
  expect(await reclaimed([volume("a", "Released")], { remove: 1 })).toEqual({
    removed: ["/data/volumes/a"],
    told: ["a Released VolumeFailedDelete remove fails", "a Released FolderRemoved"],
  });
});

test("what was not told is told again", async () => {
  const { told } = await reclaimed([volume("a", "Released")], { report: 2 });
  expect(told).toEqual(["a Released FolderRemoved"]);
});
