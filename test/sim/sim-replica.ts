import { ClusterAuthority } from "../../controlplane/ca/cluster-authority.js";
import { controlPlaneMetrics } from "../../controlplane/metrics.js";
import { startReplica } from "../../controlplane/replica.js";
import { MemoryStore } from "../../controlplane/store/memory.js";
import type { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { Sealer } from "../../controlplane/store/seal.js";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { type Log, silentLog } from "../../lib/log.js";
import { type Rng, seededRng } from "../../lib/rng.js";
import { sharedAbort } from "../../lib/shared-abort.js";
import type { MemoryNetwork, MemoryServer } from "../../lib/transport/memory.js";
import { testAuthority } from "../kit/test-authority.js";
import { TEST_CLUSTER } from "../kit/test-cluster.js";
import type { FaultSource } from "./faults.js";
import { SimProcess, type SimTime } from "./sim-clock.js";
import { simDialer } from "./sim-network.js";
import { SimStore } from "./sim-store.js";

/** The ground that all processes of one simulation stand on. */
export interface SimGround {
  readonly time: SimTime;
  /** A clock that nobody stops: for what is not a process. */
  readonly world: Clock;
  readonly etcd: MemoryEtcd;
  readonly network: MemoryNetwork;
  readonly faults: FaultSource;
  readonly rng: Rng;
  readonly log: Log;
  /** Whether a message from one host reaches an address now. */
  readonly isReachable: (from: string, address: string) => boolean;
  /** The process that serves at an address. */
  readonly serverAt: (address: string) => SimProcess | undefined;
}

// Made once: certificates play no part in what is simulated, and making them is slow.
let authority: ReturnType<typeof testAuthority> | undefined;

/** A control plane that is started again whenever it died. */
export class SimReplica {
  readonly name: string;
  readonly address: string;
  private readonly ground: SimGround;
  private process: SimProcess | undefined;
  private store: MemoryStore | undefined;
  private server: MemoryServer | undefined;

  constructor(ground: SimGround, name: string) {
    this.ground = ground;
    this.name = name;
    this.address = `${name}:7443`;
  }

  /** The process that runs now. */
  get running(): SimProcess | undefined {
    return this.process;
  }

  /** Whether its process lives. */
  get isUp(): boolean {
    return this.process?.isAlive === true;
  }

  /** Starts a process; the one before is dead. */
  start(): void {
    const { ground } = this;
    const process = new SimProcess(ground.time, this.name);
    const memory = new MemoryStore(ground.world, ground.etcd);
    this.process = process;
    this.store = memory;
    const over = sharedAbort();
    process.onDeath(() => {
      this.server?.close();
      this.server = undefined;
      void memory.close();
    });
    void this.serve(process, new SimStore(memory, process, ground.faults), over.signal).catch(() => process.kill());
  }

  private async serve(process: SimProcess, store: SimStore, signal: AbortSignal): Promise<void> {
    const { ground, name, address } = this;
    authority ??= testAuthority("sim");
    const rng = seededRng(ground.rng.below(2 ** 31));
    const dialer = simDialer({
      network: ground.network,
      identity: { name, role: "control-plane" },
      process,
      faults: ground.faults,
      isReachable: (target) => ground.isReachable(name, target),
      serverAt: ground.serverAt,
    });
    const replica = await startReplica(
      {
        store,
        clock: process,
        rng,
        log: ground.log ?? silentLog,
        dialer,
        metrics: controlPlaneMetrics(),
      },
      {
        id: name,
        address,
        joinPort: 7444,
        cluster: TEST_CLUSTER,
        authority: new ClusterAuthority(authority, { clock: process, rng }),
        sealer: new Sealer(new Uint8Array(32)),
        admitControlPlane: () => Promise.reject(new TallshipError("not_supported", "nobody joins a simulated cluster")),
      },
      signal,
    );
    if (!process.isAlive) return;
    this.server = ground.network.serve(address, replica.bindings);
    await replica.ended;
    process.kill();
  }

  /** Kills the process. */
  kill(): void {
    this.process?.kill();
  }

  /** Stops it from acting; its leases run out meanwhile. */
  pause(): void {
    this.process?.pause();
    this.store?.setReachable(false);
  }

  /** Lets it go on. */
  resume(): void {
    this.store?.setReachable(true);
    this.process?.resume();
  }
}
