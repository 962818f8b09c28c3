import { Agent } from "../../agent/agent.js";
import type { Checkpoint } from "../../agent/checkpoint/checkpoint.js";
import { memoryCheckpoint } from "../../agent/checkpoint/memory-checkpoint.js";
import type { Images, LocalImage, RootFsDriver } from "../../agent/image/images.js";
import { SimulatedRuntime } from "../../agent/runtime/simulated.js";
import type { PodDisk } from "../../agent/volume/pod-disk.js";
import { seededRng } from "../../lib/rng.js";
import { createNodeNetwork } from "../../net/host-network.js";
import { SimulatedProxy } from "../../net/ingress/simulated-proxy.js";
import { SimulatedKernel } from "../../net/kernel/simulated-kernel.js";
import { NodeSystemInfo } from "../../proto/gen/tallship/v1/node.js";
import { noDevices } from "../kit/no-devices.js";
import { noLogs } from "../kit/no-logs.js";
import { simUsers } from "../kit/sim-users.js";
import { TEST_CLUSTER } from "../kit/test-cluster.js";
import type { LiveContainer } from "./invariants.js";
import { SimProcess } from "./sim-clock.js";
import { hostEdge, hostRuntime } from "./sim-host.js";
import { simDialer } from "./sim-network.js";
import type { SimGround } from "./sim-replica.js";

const IMAGE: LocalImage = {
  reference: "sim",
  digest: "sha256:0",
  config: { entrypoint: [], command: ["/run"], env: [], workingDir: "/", user: "", stopSignal: "", labels: {} },
  layerPaths: ["/layer"],
};

/** Images that are always there: pulling is not what is simulated. */
const IMAGES: Images = {
  lookup: () => IMAGE,
  ensure: async () => IMAGE,
  digests: () => [],
  named: () => [],
  onContent: () => undefined,
  digestOf: () => undefined,
  list: () => [],
  remove: async () => undefined,
  prune: async () => 0,
};

/** Root file systems without files. */
const ROOTFS: RootFsDriver = {
  name: "overlayfs",
  prepare: async (id) => ({ path: `/roots/${id}`, mount: undefined }),
  find: async () => undefined,
  compare: async () => undefined,
  remove: async () => undefined,
  list: async () => [],
  layersInUse: async () => [],
  prune: async () => undefined,
};

/** Volumes without files. */
const DISK: PodDisk = {
  prepare: async (_uid, { plans }) => new Map(plans.map(({ name }) => [name, `/volumes/${name}`])),
  refresh: async () => undefined,
  filePath: (uid, name) => `/files/${uid}/${name}`,
  bindSource: async (path) => ({ path, release: async () => undefined }),
  fill: async () => undefined,
  pods: () => [],
  remove: async () => undefined,
  removeLocal: async () => undefined,
};

/** What one simulated host has of CPU and memory. */
export const HOST = { cpuMillicores: 4_000, memoryBytes: 4 * 2 ** 30 };

/** A host: its containers, network tables and disk outlive its agents. */
export class SimNode {
  readonly name: string;
  private readonly ground: SimGround;
  private readonly runtime: SimulatedRuntime;
  private readonly kernel: SimulatedKernel;
  private readonly checkpoint: Checkpoint = memoryCheckpoint();
  private readonly address: string;
  private told = { podCIDRs: [] as readonly string[], controlPlaneAddresses: [] as readonly string[] };
  private policies: Uint8Array | undefined;
  private process: SimProcess | undefined;
  private readonly controlPlanes: readonly string[];
  private changeCount = 0;

  constructor(
    ground: SimGround,
    options: { readonly name: string; readonly index: number; readonly controlPlanes: readonly string[] },
  ) {
    this.ground = ground;
    this.name = options.name;
    this.controlPlanes = options.controlPlanes;
    this.address = `192.168.0.${10 + options.index}`;
    this.kernel = new SimulatedKernel([{ address: this.address, device: "eth0", mtu: 1_500, prefixLength: 24 }]);
    this.runtime = new SimulatedRuntime({ clock: ground.world, program: programOf });
  }

  /** Grows with every call that may have changed what runs here; a container that ends by itself does not count. */
  get changes(): number {
    return this.changeCount;
  }

  /** Whether an agent lives. */
  get isUp(): boolean {
    return this.process?.isAlive === true;
  }

  /** Starts an agent; the one before is dead. */
  start(): void {
    const { ground, name, address } = this;
    const process = new SimProcess(ground.time, name);
    this.process = process;
    const rng = seededRng(ground.rng.below(2 ** 31));
    const memory = {
      ...this.told,
      remember: (told: typeof this.told) => {
        this.told = told;
      },
      policies: this.policies,
      rememberPolicies: (update: Uint8Array) => {
        this.policies = update;
      },
    };
    const host = { process, faults: ground.faults, onCall: () => this.touched() };
    const agent = new Agent({
      clock: process,
      rng,
      log: ground.log,
      dialer: simDialer({
        network: ground.network,
        identity: { name, role: "node" },
        process,
        faults: ground.faults,
        isReachable: (target) => ground.isReachable(name, target),
        serverAt: ground.serverAt,
      }),
      controlPlaneAddresses: this.controlPlanes,
      cluster: TEST_CLUSTER,
      runtime: hostRuntime(this.runtime, host),
      images: IMAGES,
      rootfs: ROOTFS,
      imageRoots: { inspect: () => ({ passwd: "", group: "" }) },
      perform: async () => ({ isPassed: true, message: "" }),
      disk: DISK,
      devices: noDevices,
      users: simUsers(),
      checkpoint: hostEdge(this.checkpoint, host),
      memory,
      logs: noLogs,
      network: (config) =>
        createNodeNetwork(config, hostEdge(this.kernel, host), { clock: process, rng, log: ground.log }),
      streams: () => ({
        ...{ logs: nothing, exec: nothing, attach: nothing, forward: nothing, copy: nothing, stats: nothing },
        ...{ changes: nothing, commit: nothing },
        signal: async () => undefined,
      }),
      imageStreams: () => ({ image: nothing }),
      facts: {
        nodeName: name,
        hostname: name,
        nodeIP: address,
        nodePort: 7446,
        internalPorts: [7446],
        probePort: 7447,
        isControlPlane: false,
        bootId: "boot",
        ...HOST,
        diskBytes: 2 ** 36,
        volumesPath: "/volumes",
        systemInfo: NodeSystemInfo.fromPartial({ operatingSystem: "linux" }),
      },
      usage: { read: () => undefined },
      fetchPage: () => Promise.resolve(undefined),
      traits: {
        capabilities: new Set(),
        architecture: "x64",
        devices: [],
        seccompProfile: () => ({ defaultAction: "", architectures: [], syscalls: [] }),
        clusterDomain: TEST_CLUSTER.clusterDomain,
        hostname: name,
        nodeIPs: [address],
        runDir: "/run/tallship",
        cgroupParent: "",
        memoryBytes: HOST.memoryBytes,
        oomScoreFloor: -998,
        allocatable: {},
      },
      hostResolvConf: "",
      ingress: {
        proxy: new SimulatedProxy(),
        site: { dir: "/ingress", addresses: ["*"], httpPort: 80, httpsPort: 443, maxConnections: 100 },
      },
      observe: {
        turn: () => undefined,
        failed: () => undefined,
        restarted: () => undefined,
        forgotten: () => undefined,
      },
    });
    agent.start();
  }

  private touched(): void {
    this.changeCount += 1;
  }

  /** Kills the agent; containers run on. */
  kill(): void {
    this.process?.kill();
  }

  /** Stops the agent from acting. */
  pause(): void {
    this.process?.pause();
  }

  /** Lets it go on. */
  resume(): void {
    this.process?.resume();
  }

  /** Containers that run now and the addresses they hold. */
  live(nameOf: (podUid: string) => string | undefined): readonly LiveContainer[] {
    const addresses = this.kernel.podAddresses();
    return this.runtime.running().map(({ podUid }) => ({
      host: this.name,
      podUid,
      podName: nameOf(podUid) ?? podUid,
      address: addresses.get(podUid) ?? `none of ${podUid}`,
    }));
  }
}

// biome-ignore lint/correctness/useYield: an operator's stream that has nothing to say.
async function* nothing(): AsyncGenerator<never> {
  return;
}

/** What a command does: "ends AFTER_MS CODE", else it runs for ever and heeds the stop signal. */
function programOf(args: readonly string[]): {
  readonly ends?: { readonly afterMs: number; readonly exitCode: number };
  readonly heeds: "stop";
} {
  const [word, afterMs, exitCode] = args;
  return word === "ends"
    ? { ends: { afterMs: Number(afterMs), exitCode: Number(exitCode) }, heeds: "stop" }
    : { heeds: "stop" };
}
