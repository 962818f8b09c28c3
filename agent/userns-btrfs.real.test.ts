import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KEEP_FILES, STARTS, STOPPED } from "../kinds/power.js";
import { systemClock } from "../lib/system-clock.js";
import { tarEntry } from "../lib/tar/entry.js";
import { tarArchive } from "../lib/tar/tar-writer.js";
import { CopyStart, ExecInput } from "../proto/gen/tallship/v1/streams.js";
import { AgentMachine } from "../test/kit/agent-machine.js";
import { FOREVER, userPod, wordsOf } from "../test/kit/user-pods.js";
import { waitFor } from "../test/kit/wait.js";
import { BtrfsRootFs } from "./image/rootfs/btrfs-rootfs.js";
import { runCommand } from "./image/run-command.js";
import type { PodLoop } from "./pod-loop.js";
import { copy } from "./streams/copy.js";
import { openStoppedRoot } from "./streams/stopped-root.js";
import { copierOf } from "./worker/worker-program.js";

// Pods with users of their own whose root file systems are snapshots: these are mapped as they are, so that nothing of the pod's ids is on the disk.
const place = mkdtempSync(join(tmpdir(), "userns-btrfs-"));
let machine: AgentMachine;
let loop: PodLoop;
let rootfs: BtrfsRootFs;

beforeAll(async () => {
  const make =
    'truncate -s 512M "$0/disk" && mkfs.btrfs -q "$0/disk" && mkdir "$0/d" && mount -o loop "$0/disk" "$0/d" && chmod 711 "$0" "$0/d"';
  execFileSync("sh", ["-c", make, place], { stdio: "ignore" });
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = `${place}/d`;
  machine = new AgentMachine({
    makeRootFs: (folder) => {
      const hiddenBy = () => ({ opaque: [], whiteouts: [] });
      rootfs = new BtrfsRootFs({ folder, hiddenBy, run: runCommand });
      return rootfs;
    },
  });
  if (before === undefined) delete process.env["TMPDIR"];
  else process.env["TMPDIR"] = before;
  loop = await machine.start();
});
afterAll(async () => {
  // What is read-only is deleted as a whole or not at all.
  execFileSync("sh", ["-c", 'btrfs subvolume delete "$0"/rootfs/.bases/*/; true', machine.machine.folder], {
    stdio: "ignore",
  });
  await machine.close();
  execFileSync("umount", ["-l", `${place}/d`]);
  rmSync(place, { recursive: true });
});

const web = (script: string) => ({ containers: [{ name: "web", image: "busybox", command: ["sh", "-c", script] }] });
const log = (uid: string, attempt = 0) => wordsOf(machine.log({ podUid: uid, container: "web", attempt }));
const onDisk = (uid: string, path: string) => statSync(`${machine.machine.folder}/rootfs/${uid}_web_0/${path}`).uid;

test("files of a snapshot belong inside to whom they belong on the disk, also those that are new", async () => {
  loop.setDesired(
    userPod("snapshot", web("touch /mine; stat -c '%n %u' / /bin/busybox /mine; touch /etc/passwd && echo written")),
  );
  await machine.until("snapshot", "to be over", ({ phase }) => phase === "Succeeded");
  expect(log("snapshot")).toBe("/ 0\n/bin/busybox 0\n/mine 0\nwritten\n");
});

test("what is copied into a stopped pod's snapshot belongs to whom it belongs inside when the pod starts again", async () => {
  const spec = web(`[ -e /own ] || touch /own; stat -c '%n %u' /own /in/*; ${FOREVER}`);
  const keeps = { [KEEP_FILES]: "true" };
  loop.setDesired(userPod("lasting", spec, keeps));
  await machine.until("lasting", "to run", ({ phase }) => phase === "Running");
  await waitFor("its first words", () => log("lasting").includes("/own 0"));
  const ids = machine.podNamespaces.idsOf("lasting");
  if (ids === undefined) throw new Error("the pod has no ids");
  loop.setDesired(userPod("lasting", spec, { ...keeps, [STOPPED]: "" }));
  await machine.until("lasting", "to have stopped", ({ phase }) => phase === "Succeeded");
  await copyIn("lasting_web_0", ids);
  expect([onDisk("lasting", "own"), onDisk("lasting", "in/theirs")]).toEqual([0, 1000]);
  loop.setDesired(userPod("lasting", spec, { ...keeps, [STARTS]: "1" }));
  await machine.until("lasting", "to run again", ({ phase }) => phase === "Running");
  await waitFor("its words after the start", () => log("lasting", 1).includes("/in/theirs"));
  expect(log("lasting", 1)).toBe("/own 0\n/in/mine 0\n/in/theirs 1000\n");
});

/** As `cp` into a container that has ended. */
async function copyIn(rootId: string, ids: { readonly first: number; readonly count: number }): Promise<void> {
  const left = await rootfs.find(rootId);
  if (left === undefined) throw new Error("nothing is left of it");
  const { signal } = new AbortController();
  const root = await openStoppedRoot(left, ids, signal);
  const archive = tarArchive([
    [tarEntry("in/", "directory"), new Uint8Array()],
    [tarEntry("in/mine", "file"), Buffer.from("")],
    [tarEntry("in/theirs", "file", { uid: 1000, gid: 1000 }), Buffer.from("")],
  ]);
  async function* input() {
    yield ExecInput.fromPartial({ part: { $case: "stdin", value: archive } });
    yield ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } });
  }
  const users = { ids, copier: { command: copierOf("bin/tallshipd"), clock: systemClock } };
  const start = CopyStart.fromPartial({ path: "/", isInto: true, isAsIs: true, keepsOwners: true });
  try {
    for await (const _ of copy({ path: root.path, users }, start, input(), signal)) break;
  } finally {
    root.close();
  }
}
