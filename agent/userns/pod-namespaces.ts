import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { type IdRange, PodIds, type PodIdsEdges } from "./pod-ids.js";

/** Edge: the host's user namespaces, and what is kept of who has which ids. */
export interface UserEdges extends PodIdsEdges {
  /** Why pods cannot have user namespaces here; undefined: they can. */
  readonly refusal: string | undefined;
  /** Makes and pins a pod's user namespace, and a network namespace that belongs to it, unless they are there. */
  pin(uid: string, ids: IdRange): Promise<void>;
  /** Takes the pins away; again is harmless. */
  unpin(uid: string): Promise<void>;
}

/** Type of the condition that says that pods cannot have user namespaces here. */
export const USERS_CONDITION = "UserNamespacesUnavailable";

/** The user namespaces of a node's pods: those that ask for one by `hostUsers: false`. */
export class PodNamespaces {
  private readonly edges: UserEdges;
  private readonly ids: PodIds;

  constructor(edges: UserEdges) {
    this.edges = edges;
    this.ids = new PodIds(edges);
  }

  /** Pods that have ids of their own, though nothing else may be left of them. */
  pods(): readonly string[] {
    return this.ids.pods();
  }

  /** The ids of a pod; undefined: the host's. */
  idsOf(uid: string): IdRange | undefined {
    return this.ids.of(uid);
  }

  /** Gives a pod that asks for it ids of its own, and the namespaces they are in. Throws failed_precondition where the host refuses. */
  async make(uid: string, { spec }: Pod): Promise<IdRange | undefined> {
    if (spec?.hostUsers !== false) return undefined;
    const { refusal } = this.edges;
    if (refusal !== undefined)
      throw new TallshipError(
        "failed_precondition",
        `hostUsers: false: this node has no user namespaces for pods: ${refusal}`,
      );
    const ids = await this.ids.claim(uid);
    await this.edges.pin(uid, ids);
    return ids;
  }

  /** Takes them away; what never had any is no error. */
  async remove(uid: string): Promise<void> {
    if (this.ids.of(uid) === undefined) return;
    await this.edges.unpin(uid);
    await this.ids.release(uid);
  }

  /** The node's condition; none where pods can have them. */
  conditions(): readonly NodeConditionReport[] {
    const { refusal } = this.edges;
    if (refusal === undefined) return [];
    const message = `pods with hostUsers: false cannot run here: ${refusal}`;
    return [{ type: USERS_CONDITION, status: "True", reason: "Refused", message }];
  }
}
