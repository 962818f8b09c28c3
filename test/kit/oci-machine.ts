import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupMode } from "../../agent/cgroup/hierarchies.js";
import { enterWithoutUnified, removeMountNamespace } from "../../agent/cgroup/hybrid.js";
import { mountedHierarchies } from "../../agent/cgroup/pod-cgroups.js";
import { type Launcher, startLauncher } from "../../agent/launcher/launcher.js";
import { startOciRuntime } from "../../agent/runtime/oci/oci-runtime.js";
import { bundleFolder, type DriverPaths } from "../../agent/runtime/oci/paths.js";
import { findPrograms } from "../../agent/runtime/oci/programs.js";
import { type ContainerKey, type ContainerSpec, containerId, type Runtime } from "../../agent/runtime/runtime.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { makeBusyboxRoot } from "./busybox-root.js";
import { containerSpec, type TestContainer, testLogPath } from "./container-spec.js";

/** This machine with a driver of its own: folders, control groups and a mount namespace that nobody else uses. */
export class OciMachine {
  readonly folder = mkdtempSync(join(tmpdir(), "machine-"));
  readonly paths: DriverPaths = { runDir: join(this.folder, "run") };
  readonly cgroupParent = `/agent-test-${process.pid}-${this.folder.slice(-6)}`;
  readonly imageRoot = join(this.folder, "image");
  private launcher: Launcher | undefined;

  constructor() {
    // As a node's folders: root of a user namespace passes.
    chmodSync(this.folder, 0o711);
    mkdirSync(this.paths.runDir, { mode: 0o711 });
    makeBusyboxRoot(this.imageRoot);
  }

  /** A driver; the one before it is taken to be dead. */
  async start(): Promise<Runtime> {
    const hierarchies = mountedHierarchies();
    const enter = cgroupMode(hierarchies) === "hybrid" ? enterWithoutUnified(this.paths.runDir, hierarchies) : [];
    this.launcher = await startLauncher({ dir: join(this.paths.runDir, "launcher"), enter, log: silentLog });
    const found = await findPrograms(this.launcher, this.paths.runDir);
    const common = { hierarchies, cgroupParent: this.cgroupParent, clock: systemClock, log: silentLog };
    return startOciRuntime({ ...this.paths, ...found, ...common, launcher: this.launcher });
  }

  /** The launcher of the driver that was started last. */
  get jobs(): Launcher {
    if (this.launcher === undefined) throw new Error("the machine was not started");
    return this.launcher;
  }

  /** A spec whose root is an overlay over the image. */
  spec(key: ContainerKey, test: Partial<TestContainer> & { readonly command: readonly string[] }): ContainerSpec {
    const roots = join(this.folder, "roots", containerId(key));
    execFileSync("mkdir", ["-p", `${roots}/upper`, `${roots}/work`, `${roots}/merged`]);
    const options = `lowerdir=${this.imageRoot},upperdir=${roots}/upper,workdir=${roots}/work`;
    return containerSpec(key, {
      rootPath: `${roots}/merged`,
      logPath: testLogPath(this.folder, key),
      rootMount: { type: "overlay", source: "overlay", options, cwd: roots },
      cgroupParent: this.cgroupParent,
      ...test,
    });
  }

  /** A number that a file in the run's folder holds, such as conmon.pid. */
  pidOf(key: ContainerKey, file: "pid" | "conmon.pid"): number {
    return Number(readFileSync(`${bundleFolder(this.paths, key)}/${file}`, "utf8"));
  }

  log(key: ContainerKey): string {
    return readFileSync(testLogPath(this.folder, key), "utf8");
  }

  /** Removes every container and every trace of the machine. */
  async close(runtime: Runtime): Promise<void> {
    for (const seen of await runtime.list()) await runtime.remove(seen);
    const pods = new Set(readdirSync(`${this.paths.runDir}/pods`));
    for (const uid of pods) await runtime.removePod(uid);
    await runtime.close();
    await this.launcher?.close();
    execFileSync("sh", ["-c", 'umount -l "$0/secrets" "$0/userns/proc"; true', this.paths.runDir], { stdio: "ignore" });
    removeMountNamespace(this.paths.runDir);
    for (const { mountPoint } of mountedHierarchies())
      execFileSync(
        "sh",
        [
          "-c",
          'cd "$0" 2>/dev/null && find . -depth -type d -exec rmdir {} +; rmdir "$0"; true',
          mountPoint + this.cgroupParent,
        ],
        { stdio: "ignore" },
      );
    rmSync(this.folder, { recursive: true, force: true });
  }
}
