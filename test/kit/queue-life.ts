import fc from "fast-check";
import type { WaitingPod } from "../../controlplane/scheduling/backlog.js";
import { Queues } from "../../controlplane/scheduling/queues.js";
import { Queue } from "../../proto/gen/tallship/v1/queue.js";
import { NO_BULK } from "../../scheduler/bulk.js";
import type { Amounts } from "../../scheduler/pod-requests.js";
import type { Shape } from "../../scheduler/shape.js";
import { Snapshot } from "../../scheduler/snapshot.js";
import { PLAIN_TENURE } from "../../scheduler/tenant.js";
import { podOf } from "./schedule-world.js";

const NAMES = ["q0", "q1", "q2"];
const RESOURCES = ["cpu", "memory"];
/** Rounds of letting in, taking back and coming again until nothing changes any more. */
const MOST_ROUNDS = 200;

/** What a queue may use, in whole cpus and in bytes of memory. */
export interface QueueParts {
  readonly name: string;
  readonly quota: Readonly<Record<string, number>>;
  readonly borrowing: Readonly<Record<string, number>>;
  readonly lending: Readonly<Record<string, number>>;
  readonly priority: number;
  readonly reclaims: boolean;
}

/** What happens to queues. */
export type QueueEvent =
  | { readonly do: "queue"; readonly parts: QueueParts }
  | { readonly do: "come"; readonly queue: string; readonly ask: Ask; readonly count: number; readonly isGang: boolean }
  | { readonly do: "end"; readonly at: number }
  | { readonly do: "room"; readonly pods: number };

interface Ask {
  readonly cpu: number;
  readonly memory: number;
  readonly priority: number;
}

const amounts = fc.record({ cpu: fc.nat({ max: 8 }), memory: fc.nat({ max: 8 }) });
const limits = fc.oneof(fc.constant({}), fc.record({ cpu: fc.nat({ max: 4 }) }), amounts);
const queueName = fc.constantFrom(...NAMES);
const parts: fc.Arbitrary<QueueParts> = fc.record({
  name: queueName,
  quota: fc.oneof(amounts, fc.record({ cpu: fc.nat({ max: 8 }) })),
  borrowing: limits,
  lending: limits,
  priority: fc.nat({ max: 1 }),
  reclaims: fc.constantFrom(true, true, true, false),
});

/** Three queues of one cohort, and what comes to them and goes, whose quotas change meanwhile, on nodes that have not always room. */
export const anyQueueLife: fc.Arbitrary<readonly QueueEvent[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("queue" as const), parts }),
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("come" as const),
        queue: queueName,
        ask: fc.record({ cpu: fc.nat({ max: 3 }), memory: fc.nat({ max: 3 }), priority: fc.constantFrom(0, 0, 10) }),
        count: fc.integer({ min: 1, max: 5 }),
        isGang: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), at: fc.nat({ max: 20 }) }) },
    fc.record({ do: fc.constant("room" as const), pods: fc.nat({ max: 12 }) }),
  ),
  { minLength: 4, maxLength: 24 },
);

interface Member {
  readonly pod: WaitingPod;
  readonly ask: Ask;
  /** The first that its owner made of it. */
  readonly lineage: string;
  is: "waits" | "let in" | "placed";
}

/** Lives through what happens and says what was wrong; nothing when all is well. Who is evicted comes again, as owners see to. */
export class QueueLife {
  readonly faults: string[] = [];
  private readonly shapes = new Snapshot();
  private readonly queues: Queues;
  private readonly parts = new Map<string, QueueParts>();
  private readonly members = new Map<string, Member>();
  private room = 12;
  private ids = 0;
  private withdrawn = 0;

  constructor() {
    this.queues = new Queues({ amountsOf: (pod) => amountsOf(this.member(pod.id).ask), isTriable: () => true });
  }

  /** What each queue's pods use that were let in. */
  usedBy(queue: string, resource: string): number {
    return this.sum(queue, resource, () => true);
  }

  /** Lets it happen, then lets in, places and takes back until nothing changes. */
  suffer(event: QueueEvent): void {
    if (event.do === "queue") this.setQueue(event.parts);
    else if (event.do === "room") this.room = event.pods;
    else if (event.do === "end") this.end([...this.members.keys()][event.at]);
    else {
      const gang = event.isGang ? `gang-${this.ids}` : "";
      for (let at = 0; at < event.count; at += 1) this.come(event.queue, event.ask, { group: gang });
      if (gang !== "") this.queues.setReady(gang);
    }
    this.settle();
  }

  private setQueue(own: QueueParts): void {
    this.parts.set(own.name, own);
    const quantities = (of: Readonly<Record<string, number>>) =>
      Object.fromEntries(Object.entries(of).map(([resource, amount]) => [resource, `${amount}`]));
    this.queues.set(
      own.name,
      Queue.fromPartial({
        metadata: { name: own.name },
        spec: {
          ...{ cohort: "all", quota: quantities(own.quota), borrowingLimit: quantities(own.borrowing) },
          ...{ lendingLimit: quantities(own.lending), priority: own.priority },
          reclaimPolicy: own.reclaims ? "Any" : "Never",
        },
      }),
    );
  }

  private come(
    queue: string,
    ask: Ask,
    { group, lineage }: { readonly group: string; readonly lineage?: string },
  ): void {
    this.ids += 1;
    const id = `pod-${String(this.ids).padStart(5, "0")}`;
    const pod: WaitingPod = {
      ...{ id, group, queue, shape: this.shape(), bulk: NO_BULK, preempts: true, seenAtMs: 0 },
      key: { kind: "Pod", namespace: "default", name: id },
      tenure: { ...PLAIN_TENURE, priority: ask.priority },
      createdAt: id,
    };
    this.members.set(id, { pod, ask, is: "waits", lineage: lineage ?? id });
    this.queues.wait(pod);
  }

  private shape(): Shape {
    return this.shapes.shapeOf(podOf());
  }

  private end(id: string | undefined): void {
    const member = id === undefined ? undefined : this.members.get(id);
    if (member === undefined) return;
    this.members.delete(member.pod.id);
    this.queues.forget(member.pod);
  }

  private settle(): void {
    const evicted = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const came = this.letIn();
      const before = this.withdrawn;
      const victims = this.takeBack();
      if (this.withdrawn > before) continue;
      for (const { pod, ask, lineage } of victims) {
        if (evicted.has(lineage)) this.faults.push(`${lineage} was evicted, came again, and was evicted`);
        evicted.add(lineage);
        this.end(pod.id);
        this.come(pod.queue, ask, { group: "", lineage });
      }
      if (!came && victims.length === 0) {
        this.checkRest();
        this.checkLetIn();
        return;
      }
    }
    this.faults.push(`queues take from each other still after ${MOST_ROUNDS} rounds`);
  }

  /** True when somebody was let in. */
  private letIn(): boolean {
    let came = false;
    for (let pods = this.queues.admit(); pods !== undefined; pods = this.queues.admit()) {
      came = true;
      for (const { id } of pods) this.member(id).is = "let in";
      this.checkOrder(pods);
      for (const queue of new Set(pods.map((pod) => pod.queue))) this.checkBounds(queue, pods);
    }
    for (const member of this.members.values())
      if (member.is === "let in" && this.placedCount() < this.room) {
        member.is = "placed";
        this.queues.place(member.pod.id, member.pod.queue, amountsOf(member.ask));
      }
    return came;
  }

  private placedCount(): number {
    return [...this.members.values()].filter(({ is }) => is === "placed").length;
  }

  private takeBack(): readonly Member[] {
    const debtors = this.queues.debtors((id) => {
      const { is, pod } = this.member(id);
      return is === "placed" ? [pod.tenure.priority, pod.createdAt] : "unplaced";
    });
    const unplaced = debtors.filter(({ isUnplaced }) => isUnplaced).map(({ id }) => this.member(id));
    for (const member of unplaced) {
      member.is = "waits";
      this.queues.withdraw(member.pod.id);
    }
    for (const { pod } of unplaced) if (pod.group !== "") this.queues.setReady(pod.group);
    this.withdrawn += unplaced.length;
    return debtors.filter(({ isUnplaced }) => !isUnplaced).map(({ id }) => this.member(id));
  }

  private member(id: string): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`${id} is not there`);
    return member;
  }

  private sum(queue: string, resource: string, isCounted: (member: Member) => boolean): number {
    let sum = 0;
    for (const member of this.members.values())
      if (member.pod.queue === queue && member.is !== "waits" && isCounted(member))
        sum += amountsOf(member.ask).get(resource) ?? 0;
    return sum;
  }

  /** Nobody goes past an older pod of the same queue and priority, or one of a higher. */
  private checkOrder(pods: readonly WaitingPod[]): void {
    const first = pods.reduce((least, pod) => (isEarlier(pod, least) ? pod : least));
    for (const { pod, is } of this.members.values())
      if (is === "waits" && pod.queue === first.queue && isEarlier(pod, first))
        this.faults.push(`${first.id} passed ${pod.id}`);
  }

  /** What was just let in is within the queue's quota and what it may borrow, and with it the cohort uses no more than is lent and kept. */
  private checkBounds(queue: string, pods: readonly WaitingPod[]): void {
    const own = this.parts.get(queue);
    if (own === undefined) {
      this.faults.push(`${queue} is not there and lets pods in`);
      return;
    }
    for (const resource of RESOURCES) {
      const quota = limitOf(own.quota[resource], resource);
      const asked = pods.reduce((sum, { id }) => sum + (amountsOf(this.member(id).ask).get(resource) ?? 0), 0);
      if (quota === undefined || asked === 0) continue;
      const most = quota + (limitOf(own.borrowing[resource], resource) ?? Number.POSITIVE_INFINITY);
      if (this.usedBy(queue, resource) > most) this.faults.push(`${queue} uses more ${resource} than it may borrow`);
      if (this.takenOf(resource) > 0) this.faults.push(`more ${resource} is lent than there is to lend`);
    }
  }

  /** What is taken of what queues lend, beyond that: above zero it is too much. */
  private takenOf(resource: string): number {
    let beyond = 0;
    for (const { name, quota, lending } of this.parts.values()) {
      const own = limitOf(quota[resource], resource);
      if (own === undefined) continue;
      const lent = Math.min(own, limitOf(lending[resource], resource) ?? own);
      beyond += Math.max(0, this.usedBy(name, resource) - (own - lent)) - lent;
    }
    return beyond;
  }

  /** Nobody without a node holds what his queue may no longer use: quotas may have shrunk since. */
  private checkLetIn(): void {
    for (const { pod, ask, is } of this.members.values()) {
      const own = is === "let in" ? this.parts.get(pod.queue) : undefined;
      for (const resource of RESOURCES) {
        const quota = limitOf(own?.quota[resource], resource);
        const beyond = this.usedBy(pod.queue, resource) - (quota ?? Number.POSITIVE_INFINITY);
        if (own === undefined || beyond <= 0 || (amountsOf(ask).get(resource) ?? 0) === 0) continue;
        const most = limitOf(own.borrowing[resource], resource) ?? Number.POSITIVE_INFINITY;
        if (beyond > most) this.faults.push(`${pod.id} holds ${resource} beyond what ${pod.queue} may use`);
        else if (this.takenOf(resource) > 0) this.faults.push(`${pod.id} holds ${resource} that nobody lends`);
      }
    }
  }

  /** Nobody who would be within his own quota waits while others have borrowed what they could be made to give back. */
  private checkRest(): void {
    for (const own of this.parts.values()) {
      const waiting = [...this.members.values()].filter(({ pod, is }) => pod.queue === own.name && is === "waits");
      if (waiting.length === 0 || !own.reclaims) continue;
      const head = waiting.map(({ pod }) => pod).reduce((least, pod) => (isEarlier(pod, least) ? pod : least));
      const unit = waiting.filter(({ pod }) => (head.group === "" ? pod === head : pod.group === head.group));
      const isWithin = RESOURCES.every((resource) => {
        const quota = limitOf(own.quota[resource], resource);
        const asked = unit.reduce((sum, { ask }) => sum + (amountsOf(ask).get(resource) ?? 0), 0);
        return quota === undefined || asked === 0 || this.usedBy(own.name, resource) + asked <= quota;
      });
      if (isWithin) this.faults.push(`${head.id} waits for what is its own queue's`);
    }
  }
}

function isEarlier(left: WaitingPod, right: WaitingPod): boolean {
  if (left.tenure.priority !== right.tenure.priority) return left.tenure.priority > right.tenure.priority;
  return left.createdAt < right.createdAt;
}

function limitOf(amount: number | undefined, resource: string): number | undefined {
  return amount === undefined ? undefined : resource === "cpu" ? 1_000 * amount : amount;
}

function amountsOf({ cpu, memory }: Ask): Amounts {
  return new Map([
    ["cpu", 1_000 * cpu],
    ["memory", memory],
  ]);
}
