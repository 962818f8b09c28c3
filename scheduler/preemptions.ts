import { limit } from "../lib/limits.js";
import { dropOldest } from "./drop-oldest.js";
import type { Sieve } from "./filter.js";
import { columnRoom, trialRoom } from "./room.js";
import type { Shape } from "./shape.js";
import type { Snapshot } from "./snapshot.js";
import { prepareDynamic } from "./standing.js";
import { byCost, type Victims, victimsAmong } from "./victims.js";

/** A node, and who has to go there. */
export interface Sacrifice {
  readonly slot: number;
  readonly victims: Victims;
}

/** Who would have to go on each node for pods of one shape and priority; catches up slot by slot. */
interface Contest {
  readonly nodesVersion: number;
  readonly termsVersion: number;
  readonly budgetsVersion: number;
  readonly victims: (Victims | undefined)[];
  position: number;
}

/**
 * Finds where a pod that no node takes costs least, if pods of lower priority make room: by Kubernetes' order, fewest violated budgets, the
 * lowest highest priority, the lowest sum, the fewest, the shortest-running; then the lower node name. Like standings, it is only memory.
 */
export class Preemptions {
  private readonly snapshot: Snapshot;
  /** Slots that pass the filters whose answers depend on node objects alone. */
  private readonly allowed: (shape: Shape) => Uint8Array;
  private readonly contests = new Map<string, Contest>();

  constructor(snapshot: Snapshot, allowed: (shape: Shape) => Uint8Array) {
    this.snapshot = snapshot;
    this.allowed = allowed;
  }

  /** Where a pod of the shape and priority costs least; undefined where nobody's end would help. */
  best(shape: Shape, priority: number): Sacrifice | undefined {
    this.snapshot.layOut();
    if (!this.snapshot.priorities.hasBelow(priority)) return undefined;
    if (shape.nodeName !== "") return this.on(shape, priority, shape.nodeName);
    const { victims } = this.snapshot.peers.isTied(shape)
      ? this.tryLikely(shape, priority)
      : this.contest(shape, priority);
    let best: Sacrifice | undefined;
    for (let slot = 0; slot < victims.length; slot += 1) {
      const own = victims[slot];
      if (own !== undefined && (best === undefined || byCost(own, best.victims) < 0)) best = { slot, victims: own };
    }
    return best;
  }

  /** Who has to go on the node for a pod of the shape and priority; undefined where nobody's end would help. */
  on(shape: Shape, priority: number, nodeName: string): Sacrifice | undefined {
    this.snapshot.layOut();
    const slot = this.snapshot.record(nodeName)?.slot ?? -1;
    if (slot < 0 || !this.snapshot.priorities.hasBelow(priority)) return undefined;
    const victims = this.asker(shape, priority)(slot);
    return victims && { slot, victims };
  }

  private contest(shape: Shape, priority: number): Contest {
    const { snapshot } = this;
    const key = `${priority}|${shape.key}`;
    const known = this.contests.get(key);
    this.contests.delete(key);
    const contest = known !== undefined && this.isCurrent(known) ? known : this.newContest();
    this.contests.set(key, contest);
    dropOldest(this.contests, limit("schedulerContests"));
    const behind = snapshot.changed.behind(contest.position);
    if (behind === 0) return contest;
    const ask = this.asker(shape, priority);
    if (behind === undefined || behind >= snapshot.records.length)
      for (let slot = 0; slot < snapshot.records.length; slot += 1) contest.victims[slot] = ask(slot);
    else
      for (let at = snapshot.changed.position - behind; at < snapshot.changed.position; at += 1) {
        const slot = snapshot.changed.at(at);
        contest.victims[slot] = ask(slot);
      }
    contest.position = snapshot.changed.position;
    return contest;
  }

  private newContest(): Contest {
    const { nodesVersion, peers, budgets, records } = this.snapshot;
    const versions = { nodesVersion, termsVersion: peers.termsVersion, budgetsVersion: budgets.version };
    return { ...versions, victims: new Array<Victims | undefined>(records.length), position: -1 };
  }

  private isCurrent({ nodesVersion, termsVersion, budgetsVersion }: Contest): boolean {
    const { snapshot } = this;
    return (
      nodesVersion === snapshot.nodesVersion &&
      termsVersion === snapshot.peers.termsVersion &&
      budgetsVersion === snapshot.budgets.version
    );
  }

  /**
   * Who has to go for a pod that is tied to others changes with what happens elsewhere, and is dear to find: it is found anew each time, on the nodes
   * where the pod's requests alone would cost least; on all, as long as none will do.
   */
  private tryLikely(shape: Shape, priority: number): Pick<Contest, "victims"> {
    const byRequests = this.byRequests(shape, priority);
    const likely = this.snapshot.records
      .flatMap(({ slot }) => {
        const own = byRequests(slot);
        return own === undefined ? [] : [{ slot, own }];
      })
      .sort((left, right) => byCost(left.own, right.own) || left.slot - right.slot);
    const ask = this.asker(shape, priority);
    const victims = new Array<Victims | undefined>(this.snapshot.records.length);
    let isFound = false;
    for (const [trials, { slot }] of likely.entries()) {
      if (isFound && trials >= limit("preemptionTrials")) break;
      victims[slot] = ask(slot);
      isFound ||= victims[slot] !== undefined;
    }
    return { victims };
  }

  /** Nodes that refuse for what they are cannot be helped by anybody's end. */
  private asker(shape: Shape, priority: number): (slot: number) => Victims | undefined {
    const { snapshot } = this;
    const allowed = this.allowed(shape);
    const dynamic = prepareDynamic(shape, snapshot);
    const isOnDevices = shape.devices !== undefined && snapshot.devices.isTold;
    if (shape.ports.length > 0 || isOnDevices || snapshot.peers.isTied(shape))
      return (slot) => (allowed[slot] === 1 ? this.tried(slot, priority, dynamic) : undefined);
    return this.byRequests(shape, priority);
  }

  /** Who has to go as far as requests are concerned. */
  private byRequests(shape: Shape, priority: number): (slot: number) => Victims | undefined {
    const { snapshot } = this;
    const allowed = this.allowed(shape);
    const room = columnRoom(snapshot, shape);
    return (slot) => {
      const record = snapshot.records[slot];
      if (allowed[slot] === 0 || record === undefined) return undefined;
      room.at(slot);
      return victimsAmong(record.pods.values(), priority, room, snapshot.budgets);
    };
  }

  private tried(slot: number, priority: number, sieves: readonly Sieve[]): Victims | undefined {
    const { snapshot } = this;
    const tenants = [...(snapshot.records[slot]?.pods.values() ?? [])];
    return snapshot.changed.muted(() =>
      victimsAmong(tenants, priority, trialRoom(snapshot, sieves, slot), snapshot.budgets),
    );
  }
}
