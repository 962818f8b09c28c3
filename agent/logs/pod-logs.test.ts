import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogsRequest } from "../../proto/gen/tallship/v1/streams.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { newRecord, type PodRecord, withContainer } from "../pod-record.js";
import { putAside } from "./ended-logs.js";
import { logPath, podLogFolder } from "./log-path.js";
import { podLogs } from "./pod-logs.js";

const clock = new ManualClock();
let dataDir = "";
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "pod-logs-"));
  for (const [attempt, text] of ["first", "second"].entries()) {
    const path = logPath(dataDir, { podUid: "u1", container: "main", attempt });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `2026-01-01T00:00:00.000000001+00:00 stdout F ${text}\n`);
  }
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const record = withContainer(newRecord({ uid: "u1", namespace: "default", name: "web" }, 0), "main", {
  attempt: 1,
  startedAtMs: 0,
});

async function read(get: () => { readonly record: PodRecord } | undefined, previous = false): Promise<string> {
  const request = LogsRequest.fromPartial({ container: "main", previous });
  let text = "";
  for await (const { bytes } of podLogs({ loop: { get }, dataDir, clock }, "u1", request, new AbortController().signal))
    text += Buffer.from(bytes).toString();
  return text;
}

const known = (): { readonly record: PodRecord } => ({ record });
const aside = (): Promise<void> => putAside(dataDir, "u1", clock.nowMs());

test("a pod's log is found while it is there, while it is being forgotten, and when it is gone", async () => {
  const all = async (get: () => { readonly record: PodRecord } | undefined) => [await read(get), await read(get, true)];
  const both = ["second\n", "first\n"];
  expect(await all(known)).toEqual(both);
  await aside();
  expect(await all(known)).toEqual(both);
  expect(await all(() => undefined)).toEqual(both);
});

test("a log that is put aside just before it is opened is read where it is then", async () => {
  const live = podLogFolder(dataDir, "u1");
  const goes = {
    get record() {
      mkdirSync(join(dataDir, "ended-logs"), { recursive: true });
      if (existsSync(live)) renameSync(live, join(dataDir, "ended-logs/u1"));
      return record;
    },
  };
  expect(await read(() => goes)).toBe("second\n");
});

test("what nobody has kept is an error", async () => {
  rmSync(join(dataDir, "logs"), { recursive: true });
  await expect(read(() => undefined)).rejects.toMatchObject({ code: "not_found" });
});
