import { createHash } from "node:crypto";
import { MemoryEtcd } from "../../controlplane/store/memory-etcd.js";
import { type Log, silentLog } from "../../lib/log.js";
import { type Rng, seededRng } from "../../lib/rng.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { CALM, drawRates, FaultSource } from "./faults.js";
import { Invariants } from "./invariants.js";
import { unrestOf } from "./rest.js";
import { SimClient } from "./sim-client.js";
import { SimProcess, SimTime } from "./sim-clock.js";
import { SimNode } from "./sim-node.js";
import { plainHabits, singularHabits } from "./sim-objects.js";
import { type SimGround, SimReplica } from "./sim-replica.js";
import { StoreTruth } from "./world.js";

/** How long things go wrong, drawn between these, and how long the cluster has to come to rest after that, in virtual milliseconds. */
const STORM_MS = { least: 5_000, most: 17_000 };
const CALM_MS = 120_000;
/** From this seed on the administrator keeps stateful sets, daemon sets and jobs instead of deployments. */
export const SINGULAR_SEEDS = 10_000;

/** What a simulated run came to. Equal for equal seeds. */
export interface SimResult {
  readonly seed: number;
  /** Digest of all that was written, in order. */
  readonly digest: string;
  readonly revision: number;
  /** Virtual milliseconds until the cluster was at rest after the storm. */
  readonly calmMs: number;
}

/** A whole cluster in one process, decided by one seed. */
export class SimCluster {
  private readonly seed: number;
  private readonly time = new SimTime();
  private readonly rng: Rng;
  private readonly etcd = new MemoryEtcd(1_000_000);
  private readonly truth = new StoreTruth(this.etcd);
  private readonly faults: FaultSource;
  private readonly cut = new Set<string>();
  private readonly replicas: readonly SimReplica[];
  private readonly nodes: readonly SimNode[];
  private readonly client: SimClient;
  private readonly invariants: Invariants;
  private readonly trace = createHash("sha256");
  private tracedRevision = 0;

  constructor(seed: number, log: Log = silentLog) {
    this.seed = seed;
    this.rng = seededRng(seed);
    this.faults = new FaultSource(seededRng(seed ^ 0x5eed), CALM);
    const world = new SimProcess(this.time, "world");
    const ground: SimGround = {
      time: this.time,
      world,
      etcd: this.etcd,
      network: memoryNetwork(world),
      faults: this.faults,
      rng: this.rng,
      log,
      serverAt: (address) => this.replicas.find((replica) => replica.address === address)?.running,
      isReachable: (from, address) => !this.cut.has(from) && !this.cut.has(address.split(":")[0] ?? ""),
    };
    this.replicas = ["cp1", "cp2"].map((name) => new SimReplica(ground, name));
    const addresses = this.replicas.map(({ address }) => address);
    this.nodes = [0, 1, 2].map(
      (index) => new SimNode(ground, { name: `node${index}`, index, controlPlanes: addresses }),
    );
    const habits = seed < SINGULAR_SEEDS ? plainHabits : singularHabits;
    this.client = new SimClient(ground, { addresses, habits, rng: seededRng(seed ^ 0xc11e) });
    this.invariants = new Invariants({
      truth: this.truth,
      live: () => this.living(),
      hostChanges: () => this.nodes.reduce((sum, { changes }) => sum + changes, 0),
      acknowledged: () => this.client.acknowledged,
    });
  }

  /** Runs the storm, then the calm; throws with what broke, or with what did not come to rest. Leaves nothing behind that would keep it in memory. */
  async run(): Promise<SimResult> {
    try {
      return await this.live();
    } finally {
      for (const each of [...this.replicas, ...this.nodes]) each.kill();
    }
  }

  private async live(): Promise<SimResult> {
    for (const each of [...this.replicas, ...this.nodes]) each.start();
    await this.advance(3_000);
    this.faults.rates = drawRates(this.rng);
    const endMs = this.time.now + STORM_MS.least + this.rng.below(STORM_MS.most - STORM_MS.least);
    while (this.time.now < endMs) {
      this.disturb();
      await this.advance(50 + this.rng.below(400));
    }
    this.faults.rates = CALM;
    this.heal();
    const calmFromMs = this.time.now;
    await this.time.run(
      calmFromMs + CALM_MS,
      () => this.step(),
      () => this.isAtRest(),
    );
    if (!this.isAtRest()) throw new Error(`not at rest ${CALM_MS} ms after the storm: ${this.unrest()}`);
    return {
      seed: this.seed,
      digest: this.trace.digest("hex"),
      revision: this.etcd.revision,
      calmMs: Math.round(this.time.now - calmFromMs),
    };
  }

  private advance(ms: number): Promise<void> {
    return this.time.run(this.time.now + ms, () => this.step());
  }

  private step(): void {
    this.invariants.check();
    if (this.etcd.revision === this.tracedRevision) return;
    const batch = this.etcd.changesAfter(this.tracedRevision, [""]);
    this.trace.update(this.time.now.toFixed(3));
    for (const event of batch?.events ?? [])
      if (event.type === "put") this.trace.update(event.entry.key).update(event.entry.value);
      else this.trace.update(event.key);
    this.tracedRevision = this.etcd.revision;
  }

  /** One thing goes wrong, or right again; or the client does something. */
  private disturb(): void {
    const roll = this.rng.float();
    const replica = this.replicas[this.rng.below(this.replicas.length)];
    const node = this.nodes[this.rng.below(this.nodes.length)];
    if (replica === undefined || node === undefined) return;
    for (const each of [...this.replicas, ...this.nodes]) if (!each.isUp) each.start();
    if (roll < 0.5) this.client.act();
    else if (roll < 0.56) replica.kill();
    else if (roll < 0.66) node.kill();
    else if (roll < 0.72) replica.pause();
    else if (roll < 0.8) node.pause();
    else if (roll < 0.9) for (const each of [replica, node]) each.resume();
    else if (roll < 0.95) this.cut.add(this.rng.float() < 0.7 ? node.name : replica.name);
    else this.cut.clear();
  }

  private heal(): void {
    this.cut.clear();
    for (const each of [...this.replicas, ...this.nodes]) {
      each.resume();
      if (!each.isUp) each.start();
    }
  }

  private living() {
    const pods = this.truth.podsByUid();
    return this.nodes.flatMap((node) => node.live((uid) => pods.get(uid)?.metadata?.name));
  }

  private isAtRest(): boolean {
    for (const each of [...this.replicas, ...this.nodes]) if (!each.isUp) each.start();
    return !this.client.isWaiting && this.unrest() === "";
  }

  private unrest(): string {
    return unrestOf(this.truth, this.living());
  }
}
