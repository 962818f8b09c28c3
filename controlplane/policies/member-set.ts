import type { SetDefinition } from "./peer-set.js";

/** The members of one set, and which pods each is there for: two pods may have one address for a moment, when it passes from one to the other. */
export class MemberSet {
  readonly definition: SetDefinition;
  private readonly byPod = new Map<string, readonly string[]>();
  private readonly counts = new Map<string, number>();

  constructor(definition: SetDefinition) {
    this.definition = definition;
  }

  /** Every member, in no order. */
  get members(): Iterable<string> {
    return this.counts.keys();
  }

  /** True while some pod brings the member. */
  has(member: string): boolean {
    return this.counts.has(member);
  }

  /** Takes what a pod brings now in place of what it brought; returns the members that came or went. */
  put(podKey: string, members: readonly string[]): readonly string[] {
    const former = this.byPod.get(podKey) ?? [];
    if (former.length === members.length && former.every((member, at) => member === members[at])) return [];
    if (members.length === 0) this.byPod.delete(podKey);
    else this.byPod.set(podKey, members);
    const before = new Map([...former, ...members].map((member) => [member, this.counts.has(member)]));
    for (const member of members) this.counts.set(member, (this.counts.get(member) ?? 0) + 1);
    for (const member of former) this.drop(member);
    return [...before].flatMap(([member, was]) => (this.counts.has(member) === was ? [] : [member]));
  }

  private drop(member: string): void {
    const count = this.counts.get(member) ?? 0;
    if (count > 1) this.counts.set(member, count - 1);
    else this.counts.delete(member);
  }
}
