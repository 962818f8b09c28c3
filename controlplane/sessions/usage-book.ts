import type { ContainerUsage, UsageReport } from "../../proto/gen/tallship/v1/session.js";

/** What pods use, as their nodes last said; in memory only. */
export class UsageBook {
  private readonly byNode = new Map<string, ReadonlyMap<string, readonly ContainerUsage[]>>();

  /** Replaces what the node said before. */
  take(nodeName: string, { pods }: UsageReport): void {
    this.byNode.set(nodeName, new Map(pods.map(({ uid, containers }) => [uid, containers])));
  }

  /** The containers of a pod; undefined when its node has not said. */
  ofPod(nodeName: string, uid: string): readonly ContainerUsage[] | undefined {
    return this.byNode.get(nodeName)?.get(uid);
  }

  forget(nodeName: string): void {
    this.byNode.delete(nodeName);
  }
}
