import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { kernelCounts } from "../../agent/cgroup/kernel-counts.js";
import { mountedHierarchies } from "../../agent/cgroup/pod-cgroups.js";
import type { Checkpoint } from "../../agent/checkpoint/checkpoint.js";
import { openDiskCheckpoint } from "../../agent/checkpoint/disk-checkpoint.js";
import { nodeSeal } from "../../agent/checkpoint/seal.js";
import { performCheck } from "../../agent/checks/perform-check.js";
import type { ConfigContent } from "../../agent/config-values.js";
import type { PodNotice } from "../../agent/control-plane.js";
import { diskDevices } from "../../agent/devices/disk-devices.js";
import { NodeDevices } from "../../agent/devices/node-devices.js";
import { type Executors, executors } from "../../agent/execute.js";
import { podHooks } from "../../agent/hooks/pod-hooks.js";
import { seccompProfiles } from "../../agent/host/seccomp-profiles.js";
import type { RootFsDriver } from "../../agent/image/images.js";
import { inspectRoot } from "../../agent/image-root.js";
import { openLogFiles } from "../../agent/logs/log-files.js";
import { logPath } from "../../agent/logs/log-path.js";
import { capabilityNames } from "../../agent/oci/capabilities.js";
import { podAddresses } from "../../agent/pod-addresses.js";
import { PodLoop } from "../../agent/pod-loop.js";
import { PodStatuses } from "../../agent/pod-statuses.js";
import type { ContainerKey, Runtime } from "../../agent/runtime/runtime.js";
import { openHostUsers } from "../../agent/userns/host-users.js";
import { PodNamespaces } from "../../agent/userns/pod-namespaces.js";
import { openHostDisk } from "../../agent/volume/host-disk.js";
import type { Cancel, Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { NO_REMEDIES } from "../../net/health/remedies.js";
import { type NodeNetwork, netnsPath } from "../../net/node-network.js";
import { Pod, type PodStatus } from "../../proto/gen/tallship/v1/pod.js";
import type { Service } from "../../proto/gen/tallship/v1/service.js";
import { folderImages, folderRootFs } from "./folder-images.js";
import { OciMachine } from "./oci-machine.js";
import { waitFor } from "./wait.js";

type PartialPod = Parameters<typeof Pod.fromPartial>[0];

/** There is no control plane that would know of claims. */
const noClaims = {
  volumeOf: async (): Promise<never> => {
    throw new TallshipError("failed_precondition", "claims need a control plane");
  },
};

/** An agent's loop on this machine with crun, disk and logs, and without network and control plane: the test says what is wanted. */
export class AgentMachine {
  readonly machine = new OciMachine();
  readonly statuses = new Map<string, PodStatus>();
  readonly notices: PodNotice[] = [];
  readonly released: string[] = [];
  readonly configs = new Map<string, ConfigContent>();
  readonly services: Service[] = [];
  private loop: PodLoop | undefined;
  private runtime: Runtime | undefined;
  private devices: NodeDevices | undefined;
  private users: PodNamespaces | undefined;
  private readonly timers: Cancel[] = [];
  readonly dataDir = `${this.machine.folder}/data`;
  /** The folder that describes the machine's devices. */
  readonly deviceFolder = `${this.machine.folder}/cdi`;

  private readonly makeRootFs: (folder: string) => RootFsDriver;

  constructor({ makeRootFs = folderRootFs }: { readonly makeRootFs?: (folder: string) => RootFsDriver } = {}) {
    this.makeRootFs = makeRootFs;
  }

  /** The loop; an agent before it is taken to be dead. */
  async start(
    network: NodeNetwork = noNetwork(this.machine.paths.runDir),
    wrap = (table: Executors): Executors => table,
  ): Promise<PodLoop> {
    const runtime = await this.machine.start();
    this.runtime = runtime;
    const { runDir } = this.machine.paths;
    const disk = openHostDisk({ dataDir: this.dataDir, runDir, launcher: this.machine.jobs });
    const checkpoint = this.openCheckpoint();
    const devices = new NodeDevices(diskDevices(this.dataDir, [this.deviceFolder]), silentLog);
    this.devices = devices;
    const users = new PodNamespaces(
      await openHostUsers({
        dataDir: this.dataDir,
        runDir,
        launcher: this.machine.jobs,
        runtimeVersion: runtime.version,
      }),
    );
    this.users = users;
    const configs = { get: async (kind: string, { name }: { name: string }) => this.configs.get(`${kind}/${name}`) };
    const allocatable = { cpu: "2", memory: "1Gi" };
    const hooks = podHooks({
      edges: {
        images: folderImages(this.machine.imageRoot),
        ...{ disk, hostResolvConf: "" },
        cluster: { dnsAddress: "10.96.0.10", clusterDomain: "cluster.local" },
        traits: { runDir, hostname: "host", allocatable },
        facts: { nodeIP: "127.0.0.1" },
      },
      ...{ network, addresses: podAddresses({ podCIDR: "10.128.0.0/22" }, []), configs, users, devices },
      ...{ claims: noClaims, specOf: () => undefined, onPull: () => undefined },
    });
    const statuses = new PodStatuses({ nodeIPs: ["127.0.0.1"], runtimeName: "crun" }, (pod, status) =>
      this.statuses.set(pod.metadata?.uid ?? "", status),
    );
    const loop: PodLoop = new PodLoop({
      clock: systemClock,
      rng: systemRng,
      log: silentLog,
      bootID: "boot",
      runtime,
      perform: performCheck(runtime),
      logs: openLogFiles(this.dataDir),
      checkpoint,
      controlPlane: this.controlPlane(() => loop),
      executors: wrap(
        executors({
          runtime,
          hooks,
          rootfs: this.makeRootFs(`${this.machine.folder}/rootfs`),
          imageRoots: { inspect: inspectRoot },
          disk,
          devices,
          logs: openLogFiles(this.dataDir),
          services: () => this.services,
          controlPlane: this.controlPlane(() => loop),
          node: {
            hostname: "host",
            nodeIPs: ["127.0.0.1"],
            runDir,
            cgroupParent: this.machine.cgroupParent,
            memoryBytes: 2 ** 33,
            oomScoreFloor: 0,
            allocatable,
            capabilities: capabilityNames("1fffffffff"),
            architecture: process.arch,
            counts: kernelCounts(mountedHierarchies()),
            devices: [],
            seccompProfile: seccompProfiles(this.dataDir),
            clusterDomain: "cluster.local",
          },
        }),
      ),
      allocatable,
      refusal: () => undefined,
      withdrawal: () => ({ is: "none" }),
      cutOverRevision: () => 0,
      onTurn: (turn) => statuses.take(turn),
      onAction: () => undefined,
      onForgotten: (uid) => statuses.forget(uid),
    });
    this.loop = loop;
    loop.adopt(await checkpoint.load(), [
      ...(await runtime.pods()),
      ...disk.pods(),
      ...devices.pods(),
      ...users.pods(),
    ]);
    return loop;
  }

  private controlPlane(loop: () => PodLoop) {
    return {
      releasePod: async (pod: Pod) => {
        this.released.push(pod.metadata?.uid ?? "");
        loop().dropDesired(pod.metadata?.uid ?? "");
      },
      notify: (notice: PodNotice) => {
        this.notices.push(notice);
      },
    };
  }

  /** With timers that end with the agent: one of a dead agent would put back what the journal was, under the hands of the next. */
  private openCheckpoint(): Checkpoint {
    for (const cancel of this.timers.splice(0)) cancel();
    const after: Clock["after"] = (delayMs, call) => {
      const cancel = systemClock.after(delayMs, call);
      this.timers.push(cancel);
      return cancel;
    };
    return openDiskCheckpoint({
      dataDir: this.dataDir,
      seal: nodeSeal("key", systemRng),
      clock: { ...systemClock, after },
      log: silentLog,
    });
  }

  /** The driver of the agent that was started last. */
  get driver(): Runtime {
    if (this.runtime === undefined) throw new Error("the machine was not started");
    return this.runtime;
  }

  /** The devices as the agent that was started last knows them. */
  get nodeDevices(): NodeDevices {
    if (this.devices === undefined) throw new Error("the machine was not started");
    return this.devices;
  }

  /** The user namespaces as the agent that was started last knows them. */
  get podNamespaces(): PodNamespaces {
    if (this.users === undefined) throw new Error("the machine was not started");
    return this.users;
  }

  /** What a run wrote, in conmon's format. */
  log(key: ContainerKey): string {
    return readFileSync(logPath(this.dataDir, key), "utf8");
  }

  /** Waits until the pod's reported status satisfies the check. */
  async until(uid: string, what: string, check: (status: PodStatus) => boolean): Promise<PodStatus> {
    const told = (): string => `${uid}: ${what}; is ${JSON.stringify(this.statuses.get(uid))}`;
    return waitFor(told, () => {
      const status = this.statuses.get(uid);
      return status !== undefined && check(status) ? status : undefined;
    });
  }

  /** Stops the agent as SIGTERM does; containers go on. */
  async stopAgent(): Promise<void> {
    await this.loop?.stop();
    await this.runtime?.close();
    this.loop = undefined;
  }

  /** Ends every container and removes every trace. */
  async close(): Promise<void> {
    await this.loop?.stop();
    if (this.runtime !== undefined) await this.machine.close(this.runtime);
  }
}

/** A pod on the host's network, since the machine has no other. */
export function testPod(uid: string, spec: NonNullable<PartialPod["spec"]>): Pod {
  return Pod.fromPartial({
    metadata: { uid, name: uid, namespace: "default" },
    spec: { restartPolicy: "Always", hostNetwork: true, ...spec },
  });
}

/** The pod with its deletion asked for. */
export function deleted(pod: Pod, graceSeconds: number): Pod {
  const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: graceSeconds };
  return Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, ...metadata } });
}

/** Wires nothing; of a pod that has a network namespace of its own it takes the pin away, as every network does. */
function noNetwork(runDir: string): NodeNetwork {
  return {
    start: async () => ({ vtepMAC: "", mtu: 1450, leadsBack: false, leadsBackIpv6: false, tracksSctp: true }),
    setMap: () => undefined,
    setPolicies: () => undefined,
    remedy: () => undefined,
    remedies: NO_REMEDIES,
    firewalled: async () => undefined,
    onPublished: () => undefined,
    shareOf: async () => "10.64.0.0/26",
    ipv6Of: () => undefined,
    onApplied: () => undefined,
    attach: async () => undefined,
    detach: async (uids) => {
      for (const uid of uids)
        execFileSync("sh", ["-c", 'umount -l "$0" 2>/dev/null; rm -f "$0"', netnsPath(runDir, uid)]);
    },
    list: async () => [],
    repair: async () => 0,
    stop: async () => undefined,
  };
}
