import type { Labels } from "../kinds/label-selector.js";
import { deepEqual } from "../lib/deep-equal.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { countedLabels, type Peer, type Peers } from "./peers.js";

const UNCOUNTED: Peer = { namespace: "", labels: {}, namespaceLabels: {} };

/** Which labels of pods and of namespaces some term asks about: pods are told apart by those, and by no others. */
export class CountedLabels {
  /** Undefined while there is no term. */
  private ofPods: Set<string> | undefined;
  private readonly ofNamespaces = new Set<string>();
  private readonly namespaces = new Map<string, Labels>();

  /** True once some term asks about any. */
  get areAsked(): boolean {
    return this.ofPods !== undefined;
  }

  /** Learns what the terms ask about; true when that is more than before. */
  learn(peers: Peers): boolean {
    const asked = countedLabels(peers);
    const known = this.ofPods;
    if (
      known !== undefined &&
      asked.ofPods.every((name) => known.has(name)) &&
      asked.ofNamespaces.every((name) => this.ofNamespaces.has(name))
    )
      return false;
    this.ofPods = new Set([...(known ?? []), ...asked.ofPods]);
    for (const name of asked.ofNamespaces) this.ofNamespaces.add(name);
    return true;
  }

  /** Takes the labels of a namespace, or, without, forgets them; true when some term asks about what changed. */
  setNamespace(name: string, labels: Labels | undefined): boolean {
    const before = this.namespaceLabels(name);
    if (labels === undefined) this.namespaces.delete(name);
    else this.namespaces.set(name, labels);
    return !deepEqual(before, this.namespaceLabels(name));
  }

  /** What of the pod some term asks about. */
  of({ metadata }: Pod): Peer {
    if (this.ofPods === undefined) return UNCOUNTED;
    const { namespace = "", labels = {} } = metadata ?? {};
    return { namespace, labels: only(labels, this.ofPods), namespaceLabels: this.namespaceLabels(namespace) };
  }

  private namespaceLabels(name: string): Labels {
    return this.ofNamespaces.size === 0 ? UNCOUNTED.labels : only(this.namespaces.get(name) ?? {}, this.ofNamespaces);
  }
}

function only(labels: Labels, names: ReadonlySet<string>): Labels {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = labels[name];
    if (value !== undefined && Object.hasOwn(labels, name)) found[name] = value;
  }
  return found;
}
