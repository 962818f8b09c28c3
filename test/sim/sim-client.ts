import { applyDefaults } from "../../kinds/defaults/defaults.js";
import { decodeObject, encodeObject, metaOf, type Typed } from "../../kinds/object.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Rng } from "../../lib/rng.js";
import { type ApplyRequest, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ConfigMap } from "../../proto/gen/tallship/v1/configmap.js";
import { Deployment } from "../../proto/gen/tallship/v1/deployment.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { Acknowledged } from "./invariants.js";
import { SimProcess } from "./sim-clock.js";
import { simDialer } from "./sim-network.js";
import type { SimGround } from "./sim-replica.js";

/** An administrator who applies, scales and deletes, each object in turn, and remembers what was acknowledged. */
export class SimClient {
  private readonly ground: SimGround;
  private readonly process: SimProcess;
  private readonly rng: Rng;
  private readonly addresses: readonly string[];
  private readonly known = new Map<string, Acknowledged>();
  /** Objects of which a call failed: whether and when it took effect nobody knows. */
  private readonly uncertain = new Set<string>();
  /** Uids of the objects last seen, by name: a deletion is of one object, so that a late double of it cannot meet the next of that name. */
  private readonly uids = new Map<string, string>();
  private operationCount = 0;
  private isBusy = false;

  constructor(ground: SimGround, addresses: readonly string[], rng: Rng) {
    this.ground = ground;
    this.process = new SimProcess(ground.time, "client");
    this.addresses = addresses;
    this.rng = rng;
  }

  /** What must be there now. */
  get acknowledged(): readonly Acknowledged[] {
    return [...this.known.values()];
  }

  /** Whether a call is under way. */
  get isWaiting(): boolean {
    return this.isBusy;
  }

  /** Begins one random operation, unless one is under way. */
  act(): void {
    if (this.isBusy) return;
    this.isBusy = true;
    this.operationCount += 1;
    void this.operate(`op${this.operationCount}`).finally(() => {
      this.isBusy = false;
    });
  }

  private async operate(mark: string): Promise<void> {
    const roll = this.rng.float();
    if (roll < 0.45) await this.apply(this.deployment(mark), mark);
    else if (roll < 0.7) await this.apply(this.configMap(mark), mark);
    else if (roll < 0.85) await this.apply(this.pod(mark), mark);
    else await this.remove(`app${this.rng.below(3)}`);
  }

  private deployment(mark: string): Typed {
    const name = `app${this.rng.below(3)}`;
    const labels = { app: name };
    const annotations = { "sim/mark": mark };
    const containers = [
      {
        name: "main",
        image: `sim:${this.rng.below(3)}`,
        command: ["run"],
        resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: {} },
      },
    ];
    const object = {
      metadata: { name, namespace: "default", annotations },
      spec: {
        replicas: this.rng.below(6),
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers, terminationGracePeriodSeconds: 1 } },
      },
    };
    return {
      kind: "Deployment",
      object: Deployment.fromPartial(object as Parameters<typeof Deployment.fromPartial>[0]),
    };
  }

  private configMap(mark: string): Typed {
    const metadata = {
      name: this.certain(`config${this.rng.below(4)}`),
      namespace: "default",
      annotations: { "sim/mark": mark },
    };
    return {
      kind: "ConfigMap",
      object: ConfigMap.fromPartial({ metadata, data: { mark } } as Parameters<typeof ConfigMap.fromPartial>[0]),
    };
  }

  /** The name, or one like it of which every call was answered: what is acknowledged there must be there. */
  private certain(name: string): string {
    for (let turn = 0; ; turn += 1) {
      const candidate = `${name}-${turn}`;
      if (!this.uncertain.has(candidate)) return candidate;
    }
  }

  /** A pod that ends by itself; every one has a name of its own. */
  private pod(mark: string): Typed {
    const metadata = { name: `once-${mark}`, namespace: "default", annotations: { "sim/mark": mark } };
    const containers = [
      { name: "main", image: "sim:1", command: ["ends", `${1 + this.rng.below(4_000)}`, `${this.rng.below(2)}`] },
    ];
    const object = { metadata, spec: { containers, restartPolicy: "Never", terminationGracePeriodSeconds: 1 } };
    return { kind: "Pod", object: Pod.fromPartial(object as Parameters<typeof Pod.fromPartial>[0]) };
  }

  private client() {
    const address = this.addresses[this.rng.below(this.addresses.length)] ?? "";
    const dialer = simDialer({
      network: this.ground.network,
      identity: { name: "admin", role: "admin" },
      process: this.process,
      faults: this.ground.faults,
      isReachable: () => true,
      serverAt: this.ground.serverAt,
    });
    return dialer.dial(address).client(ObjectsDefinition);
  }

  private async apply(typed: Typed, mark: string): Promise<void> {
    const name = typed.object.metadata?.name ?? "";
    this.known.delete(name);
    const object = Buffer.from(encodeObject(applyDefaults(typed)));
    async function* requests(): AsyncGenerator<ApplyRequest> {
      yield {
        part: {
          $case: "header",
          value: { set: name, namespace: "default", manager: "sim", dryRun: false, force: false, prune: [] },
        },
      };
      yield { part: { $case: "document", value: { object, source: "sim" } } };
    }
    try {
      const { results } = await this.client().apply(requests(), { deadlineMs: 5_000 });
      const [result] = results;
      if (result?.item !== undefined) this.uids.set(name, metaOf(decodeObject(result.item.object).object).uid);
      if (result === undefined || result.outcome === "failed") this.uncertain.add(name);
      else if (!this.uncertain.has(name) && typed.kind !== "Pod")
        this.known.set(name, {
          kind: typed.kind === "Deployment" ? "Deployment" : "ConfigMap",
          name,
          revision: result.item?.revision ?? 0,
          mark,
        });
    } catch (error) {
      this.failed(name, error);
    }
  }

  private async remove(name: string): Promise<void> {
    this.known.delete(name);
    const uid = this.uids.get(name);
    if (uid === undefined) return; // It was never told that there is one.
    try {
      await this.client().delete(
        { name: { kind: "Deployment", namespace: "default", name }, uid, propagation: "", dryRun: false },
        { deadlineMs: 5_000 },
      );
    } catch (error) {
      this.failed(name, error);
    }
  }

  private failed(name: string, error: unknown): void {
    const { code, message } = asTallshipError(error);
    if (code === "not_found") return;
    this.uncertain.add(name);
    this.ground.log.debug("a client's call failed", { name, code, message });
  }
}
