import { applyDefaults } from "../../kinds/defaults/defaults.js";
import { decodeObject, encodeObject, metaOf, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { asTallshipError } from "../../lib/errors.js";
import type { Rng } from "../../lib/rng.js";
import { type ApplyRequest, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import type { Acknowledged } from "./invariants.js";
import { SimProcess } from "./sim-clock.js";
import { simDialer } from "./sim-network.js";
import type { Habits } from "./sim-objects.js";
import type { SimGround } from "./sim-replica.js";

/** An administrator who applies, scales and deletes, each object in turn, and remembers what was acknowledged. */
export class SimClient {
  private readonly ground: SimGround;
  private readonly process: SimProcess;
  private readonly rng: Rng;
  private readonly addresses: readonly string[];
  private readonly habits: Habits;
  private readonly known = new Map<string, Acknowledged>();
  /** Objects of which a call failed: whether and when it took effect nobody knows. */
  private readonly uncertain = new Set<string>();
  /** Uids of the objects last seen, by name: a deletion is of one object, so that a late double of it cannot meet the next of that name. */
  private readonly uids = new Map<string, string>();
  private operationCount = 0;
  private isBusy = false;

  constructor(
    ground: SimGround,
    { addresses, habits, rng }: { readonly addresses: readonly string[]; readonly habits: Habits; readonly rng: Rng },
  ) {
    this.ground = ground;
    this.process = new SimProcess(ground.time, "client");
    this.addresses = addresses;
    this.habits = habits;
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
    const operation = this.habits(this.rng, mark, (name) => this.certain(name));
    if (operation.do === "apply") await this.apply(operation.typed, mark);
    else await this.remove(operation.kind, operation.name);
  }

  /** The name, or one like it of which every call was answered: what is acknowledged there must be there. */
  private certain(name: string): string {
    for (let turn = 0; ; turn += 1) {
      const candidate = `${name}-${turn}`;
      if (!this.uncertain.has(candidate)) return candidate;
    }
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
          kind: typed.kind,
          name,
          revision: result.item?.revision ?? 0,
          mark,
        });
    } catch (error) {
      this.failed(name, error);
    }
  }

  private async remove(kind: KindName, name: string): Promise<void> {
    this.known.delete(name);
    const uid = this.uids.get(name);
    if (uid === undefined) return; // It was never told that there is one.
    try {
      await this.client().delete(
        { name: { kind, namespace: "default", name }, uid, propagation: "", dryRun: false },
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
