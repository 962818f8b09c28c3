import type { PodGroup } from "../../proto/gen/tallship/v1/podgroup.js";
import type { Gang } from "../../scheduler/gang.js";
import type { View } from "../cache/view.js";
import { isBefore, type WaitingPod } from "./backlog.js";

interface Members {
  readonly waiting: Map<string, WaitingPod>;
  /** Where those are that have a node, or are about to get one, and stay there. */
  readonly placed: Map<string, string>;
  /** Who stands in the backlog for all that wait, while they can only be placed together. */
  speaker: string | undefined;
}

/** What is to be tried of a pod group. */
export type Trial =
  /** Nothing, for the reason given. */
  | { readonly is: "none"; readonly why: string }
  /** All that wait, together; the speaker stands for them. */
  | { readonly is: "together"; readonly speaker: string }
  /** Each that waits by itself: enough of the others have a node. */
  | { readonly is: "apart"; readonly ids: readonly string[] };

/** The pods of pod groups: who waits, who has a node, and whether enough are there to be placed together. Groups are named namespace/name. */
export class Gangs {
  private readonly view: View;
  private readonly groups = new Map<string, Members>();
  private readonly groupOf = new Map<string, string>();

  constructor(view: View) {
    this.view = view;
  }

  /** The pod waits. */
  wait(pod: WaitingPod): void {
    const members = this.join(pod.id, pod.group);
    members.placed.delete(pod.id);
    members.waiting.set(pod.id, pod);
  }

  /** The pod has a node, or is about to get it. Pods of no group do not matter. */
  place(id: string, group: string, nodeName: string): void {
    if (group === "") return;
    const members = this.join(id, group);
    members.waiting.delete(id);
    members.placed.set(id, nodeName);
  }

  /** The pod is on its way out: who comes for it is not placed as if it stayed. Returns its group, empty for none. */
  leave(id: string): string {
    const group = this.groupOf.get(id) ?? "";
    const members = this.groups.get(group);
    members?.waiting.delete(id);
    members?.placed.delete(id);
    return group;
  }

  /** The pod is no more; returns its group, empty for none. */
  forget(id: string): string {
    const group = this.groupOf.get(id);
    if (group === undefined) return "";
    this.groupOf.delete(id);
    const members = this.groups.get(group);
    members?.waiting.delete(id);
    members?.placed.delete(id);
    if (members?.waiting.size === 0 && members.placed.size === 0) this.groups.delete(group);
    return group;
  }

  /** The pod that stands for this one in the backlog: itself when it is tried alone. */
  speakerOf(id: string): string {
    const group = this.groupOf.get(id);
    return (group === undefined ? undefined : this.groups.get(group)?.speaker) ?? id;
  }

  /** All of a group that wait. */
  waitingOf(group: string): readonly WaitingPod[] {
    return [...(this.groups.get(group)?.waiting.values() ?? [])];
  }

  /** What pods that are placed together are refused for, beside what each is refused for; empty when they are placed apart. */
  need(group: string): string {
    const members = this.groups.get(group);
    const found = this.find(group);
    const missing = members === undefined || found === undefined ? 0 : missingOf(found, members);
    return missing <= 0 ? "" : `pod group "${nameOf(group)}" needs ${nodesFor(missing)} at once`;
  }

  /** What is to be tried now. Costs a look at all that wait only when a speaker has to be found. */
  review(group: string): Trial {
    const members = this.groups.get(group);
    if (members === undefined || members.waiting.size === 0) return { is: "none", why: "" };
    const found = this.find(group);
    const missing = found === undefined ? 0 : missingOf(found, members);
    const why = whyNot(group, found, missing, members);
    if (why !== "") return { is: "none", why };
    if (missing <= 0) {
      members.speaker = undefined;
      return { is: "apart", ids: [...members.waiting.keys()] };
    }
    if (members.speaker === undefined || !members.waiting.has(members.speaker))
      members.speaker = [...members.waiting.values()].reduce((first, pod) => (isBefore(pod, first) ? pod : first)).id;
    return { is: "together", speaker: members.speaker };
  }

  /** The pods that wait, to be placed together; undefined when the group is not there. */
  gang(group: string, labelOf: (nodeName: string, key: string) => string | undefined): Gang<WaitingPod> | undefined {
    const members = this.groups.get(group);
    const found = this.find(group);
    if (members === undefined || found?.spec === undefined) return undefined;
    const { topologyKey, topologyPolicy } = found.spec;
    const [placedOn] = members.placed.values();
    return {
      pods: [...members.waiting.values()].sort((left, right) => (isBefore(left, right) ? -1 : 1)),
      least: missingOf(found, members),
      topologyKey,
      isBounded: topologyPolicy !== "Preferred",
      home: placedOn === undefined || topologyKey === "" ? undefined : labelOf(placedOn, topologyKey),
    };
  }

  /**
   * What is left of a pod's group on nodes when it is too little for the group to go on without those that leave; empty when enough stay, and for pods of no group. Pods that have succeeded count: they
   * are not waited for.
   */
  remnantOf(id: string, isLeaving: (id: string) => boolean): readonly string[] {
    const group = this.groupOf.get(id);
    const members = group === undefined ? undefined : this.groups.get(group);
    const found = group === undefined ? undefined : this.find(group);
    if (members === undefined || found === undefined) return [];
    const staying = [...members.placed.keys()].filter((each) => !isLeaving(each));
    const enough = (found.spec?.minMember ?? 1) - (found.status?.succeeded ?? 0);
    return staying.length < enough ? staying : [];
  }

  private join(id: string, group: string): Members {
    if (this.groupOf.get(id) !== group) this.forget(id);
    this.groupOf.set(id, group);
    const members = this.groups.get(group) ?? { waiting: new Map(), placed: new Map(), speaker: undefined };
    this.groups.set(group, members);
    return members;
  }

  private find(group: string): PodGroup | undefined {
    const [namespace = "", name = ""] = group.split("/");
    return this.view.get("PodGroup", namespace, name);
  }
}

function nameOf(group: string): string {
  return group.slice(group.indexOf("/") + 1);
}

function nodesFor(missing: number): string {
  return missing === 1 ? "a node for 1 more pod" : `nodes for ${missing} more pods`;
}

/** How many more must find a node together. */
function missingOf({ spec, status }: PodGroup, { placed }: Members): number {
  return (spec?.minMember ?? 1) - placed.size - (status?.succeeded ?? 0);
}

function whyNot(group: string, found: PodGroup | undefined, missing: number, { waiting }: Members): string {
  const name = nameOf(group);
  if (found === undefined) return `pod group "${name}" not found`;
  if (found.status?.phase === "Failed") return `pod group "${name}" found no nodes in time`;
  if (missing > waiting.size) return `pod group "${name}" has fewer than its ${found.spec?.minMember} pods`;
  return "";
}
