import type { TallshipError } from "../../lib/errors.js";
import type { ContentLeave, ContentPlan } from "../../proto/gen/tallship/v1/fabric.js";
import type { PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";
import type {
  ConfigName,
  ControlMessage,
  OpenStream,
  UsageWanted,
  Welcome,
} from "../../proto/gen/tallship/v1/session.js";

type Part = NonNullable<ControlMessage["part"]>;
type Ending = { readonly error: TallshipError | undefined };

/**
 * What one session still has to send, bounded by what it is: of acknowledgements, intervals, cut-overs, addresses and wishes only the latest counts, so a node that reads slowly
 * gets fewer messages, never older ones. Streams to open wait in order; `open` returns false when too many do.
 */
export class SessionOutbox implements AsyncIterableIterator<ControlMessage> {
  private readonly maxOpens: number;
  private readonly onLeft: () => void;
  private readonly opens: OpenStream[] = [];
  private welcomePart: Welcome | undefined;
  private isWelcomed = false;
  private ackSequence: number | undefined;
  private cutOverRevision: number | undefined;
  private everyMs: number | undefined;
  private usage: UsageWanted | undefined;
  private readonly configs = new Map<string, ConfigName>();
  private configsRevision = 0;
  private readonly plans = new Map<string, ContentPlan>();
  private readonly leaves = new Map<string, ContentLeave>();
  private addresses: readonly string[] | undefined;
  private nextPolicies: (() => PolicyUpdate | undefined) | undefined;
  private ending: Ending | undefined;
  private wake: (() => void) | undefined;

  constructor(options: { readonly maxOpens: number; readonly onLeft: () => void }) {
    this.maxOpens = options.maxOpens;
    this.onLeft = options.onLeft;
  }

  /** True once the hello was answered, sent or not. */
  get hasWelcomed(): boolean {
    return this.isWelcomed;
  }

  /** Answers the hello. Nothing is sent before it. */
  welcome(welcome: Welcome): void {
    this.welcomePart = welcome;
    this.isWelcomed = true;
    this.signal();
  }

  /** Answers a heartbeat, and with it those before. */
  ack(sequence: number): void {
    this.ackSequence = sequence;
    this.signal();
  }

  /** Every Ready node has applied endpoint changes up to the revision. Unless the node waits for it, it is told with the next message. */
  cutOver(revision: number, isAwaited = true): void {
    this.cutOverRevision = revision;
    if (isAwaited) this.signal();
  }

  /** How often the node is to say that it lives. */
  heartbeats(everyMs: number): void {
    this.everyMs = everyMs;
    this.signal();
  }

  /** What the leader wants to know of pods, and how often. */
  usageWanted(wanted: UsageWanted): void {
    this.usage = wanted;
    this.signal();
  }

  /** A config that pods of the node use has another content. Told once, however often it changes before. */
  configChanged(config: ConfigName, revision: number): void {
    this.configsRevision = Math.max(this.configsRevision, revision);
    this.configs.set(`${config.kind}/${config.namespace}/${config.name}`, config);
    this.signal();
  }

  /** How the node gets at content that it wants, of which only the latest counts, or that another node may fetch content from it. */
  content(news: { readonly plan: ContentPlan } | { readonly leave: ContentLeave }): void {
    if ("plan" in news) this.plans.set(news.plan.digest, news.plan);
    else this.leaves.set(`${news.leave.digest} ${news.leave.nodeName}`, news.leave);
    this.signal();
  }

  /** The control planes there are now. */
  controlPlanes(addresses: readonly string[]): void {
    this.addresses = addresses;
    this.signal();
  }

  /** Policies have changed for the node; what is to be told is asked for when it is sent, until nothing is left. */
  policies(next: () => PolicyUpdate | undefined): void {
    this.nextPolicies = next;
    this.signal();
  }

  /** Asks the node to open a stream; false when too many wait. */
  open(stream: OpenStream): boolean {
    if (this.opens.length >= this.maxOpens) return false;
    this.opens.push(stream);
    this.signal();
    return true;
  }

  /** Ends the session, with an error for the node; what waits is dropped. */
  end(error?: TallshipError): void {
    this.ending ??= { error };
    this.signal();
  }

  async next(): Promise<IteratorResult<ControlMessage>> {
    for (;;) {
      if (this.ending?.error !== undefined) throw this.ending.error;
      if (this.ending !== undefined) return { done: true, value: undefined };
      const part = this.take();
      if (part !== undefined) return { done: false, value: { part } };
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  return(): Promise<IteratorResult<ControlMessage>> {
    this.end();
    this.onLeft();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<ControlMessage> {
    return this;
  }

  private take(): Part | undefined {
    if (!this.isWelcomed) return undefined;
    const welcome = this.welcomePart;
    this.welcomePart = undefined;
    if (welcome !== undefined) return { $case: "welcome", value: welcome };
    const open = this.opens.shift();
    if (open !== undefined) return { $case: "open", value: open };
    return (
      this.takeContent() ??
      this.takeHeartbeats() ??
      this.takeCutOver() ??
      this.takePolicies() ??
      this.takeControlPlanes() ??
      this.takeUsageWanted() ??
      this.takeConfigs() ??
      this.takeAck()
    );
  }

  private takeCutOver(): Part | undefined {
    const endpointRevision = this.cutOverRevision;
    this.cutOverRevision = undefined;
    return endpointRevision === undefined ? undefined : { $case: "cutOver", value: { endpointRevision } };
  }

  private takeHeartbeats(): Part | undefined {
    const everyMs = this.everyMs;
    this.everyMs = undefined;
    return everyMs === undefined ? undefined : { $case: "heartbeats", value: { everyMs } };
  }

  private takePolicies(): Part | undefined {
    const value = this.nextPolicies?.();
    if (value === undefined) this.nextPolicies = undefined;
    return value === undefined ? undefined : { $case: "policies", value };
  }

  private takeControlPlanes(): Part | undefined {
    const addresses = this.addresses;
    this.addresses = undefined;
    return addresses === undefined ? undefined : { $case: "controlPlanes", value: { addresses: [...addresses] } };
  }

  /** Leaves first: who is told where to fetch finds the door open. */
  private takeContent(): Part | undefined {
    const [leave] = this.leaves;
    if (leave !== undefined) {
      this.leaves.delete(leave[0]);
      return { $case: "contentLeave", value: leave[1] };
    }
    const [plan] = this.plans;
    if (plan === undefined) return undefined;
    this.plans.delete(plan[0]);
    return { $case: "contentPlan", value: plan[1] };
  }

  private takeConfigs(): Part | undefined {
    if (this.configs.size === 0) return undefined;
    const configs = [...this.configs.values()];
    this.configs.clear();
    return { $case: "configsChanged", value: { configs, revision: this.configsRevision } };
  }

  private takeUsageWanted(): Part | undefined {
    const value = this.usage;
    this.usage = undefined;
    return value === undefined ? undefined : { $case: "usageWanted", value };
  }

  private takeAck(): Part | undefined {
    const sequence = this.ackSequence;
    this.ackSequence = undefined;
    return sequence === undefined ? undefined : { $case: "ack", value: { sequence } };
  }

  private signal(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
