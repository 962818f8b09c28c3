import { limit } from "../../lib/limits.js";
import { PolicyUpdate } from "../../proto/gen/tallship/v1/policies.js";

/** Some entries of an update. */
type Piece = Partial<Omit<PolicyUpdate, "isWhole" | "hasMore" | "revision">>;

/** Cuts one state into messages of bounded size. */
export class UpdateParts {
  private readonly parts: Piece[][] = [[]];
  private count = 0;

  /** Adds a piece that counts as so many entries. */
  add(piece: Piece, entries = 1): void {
    if (this.count > 0 && this.count + entries > limit("policyPartEntries")) {
      this.parts.push([]);
      this.count = 0;
    }
    this.parts.at(-1)?.push(piece);
    this.count += entries;
  }

  /** Adds members of a set; many are cut, since what is told of a set adds up. A set without members is told too. */
  addSet(name: string, { added, removed }: { readonly added: readonly string[]; readonly removed: readonly string[] }) {
    const size = limit("policyPartEntries");
    for (let at = 0; at < Math.max(1, added.length, removed.length); at += size) {
      const [more, less] = [added.slice(at, at + size), removed.slice(at, at + size)];
      this.add({ sets: [{ name, added: more, removed: less }] }, 1 + more.length + less.length);
    }
  }

  /** The messages, the last without hasMore; none when nothing was added and the state is not the first. */
  messages(isWhole: boolean, revision: number): PolicyUpdate[] {
    const filled = this.parts.filter((pieces, at) => pieces.length > 0 || (isWhole && at === 0));
    return filled.map((pieces, at) =>
      PolicyUpdate.fromPartial({
        isWhole: isWhole && at === 0,
        hasMore: at < filled.length - 1,
        revision,
        sets: pieces.flatMap(({ sets = [] }) => sets),
        droppedSets: pieces.flatMap(({ droppedSets = [] }) => droppedSets),
        policies: pieces.flatMap(({ policies = [] }) => policies),
        droppedPolicies: pieces.flatMap(({ droppedPolicies = [] }) => droppedPolicies),
        pods: pieces.flatMap(({ pods = [] }) => pods),
        droppedPods: pieces.flatMap(({ droppedPods = [] }) => droppedPods),
      }),
    );
  }
}
