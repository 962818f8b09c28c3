import type { NodeReport, NodeReports } from "../../controlplane/sessions/node-reports.js";
import { NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import type { ManualClock } from "./manual-clock.js";

/** Nodes' sessions as a test says they are. */
export class FakeReports implements NodeReports {
  private readonly clock: ManualClock;
  private readonly reports = new Map<string, NodeReport>();
  private readonly listeners = new Set<(nodeName: string) => void>();
  private readonly beating = new Set<string>();

  constructor(clock: ManualClock) {
    this.clock = clock;
  }

  get(nodeName: string): NodeReport | undefined {
    return this.reports.get(nodeName);
  }

  all(): readonly NodeReport[] {
    return [...this.reports.values()].sort((left, right) => (left.nodeName < right.nodeName ? -1 : 1));
  }

  onChange(listener: (nodeName: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The node says hello, or says something else of itself, and is alive from now on. */
  say(nodeName: string, status: Parameters<typeof NodeStatus.fromPartial>[0] = {}): void {
    const ready = { type: "Ready", status: "True", reason: "AgentReady" };
    this.beating.add(nodeName);
    this.set(nodeName, {
      isConnected: true,
      status: NodeStatus.fromPartial({
        allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
        nodeInfo: { bootID: "boot-1" },
        conditions: [ready],
        ...status,
      }),
    });
    for (const listener of this.listeners) listener(nodeName);
  }

  /** The node's power goes. */
  kill(...nodeNames: readonly string[]): void {
    for (const nodeName of nodeNames) this.beating.delete(nodeName);
  }

  /** The clock runs, and all nodes that live beat. */
  async pass(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 250) {
      for (const nodeName of this.beating) this.set(nodeName, {});
      await this.clock.advance(Math.min(250, ms - passedMs));
    }
  }

  private set(nodeName: string, parts: Partial<NodeReport>): void {
    const before = this.reports.get(nodeName);
    this.reports.set(nodeName, {
      nodeName,
      isConnected: true,
      bootID: "boot-1",
      status: before?.status ?? NodeStatus.fromPartial({}),
      labels: { "kubernetes.io/hostname": nodeName },
      everyMs: 0,
      endpointRevisionApplied: 0,
      ...before,
      ...parts,
      heardAtMs: this.clock.monotonicMs(),
    });
  }
}
