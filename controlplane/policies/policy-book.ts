import { type Labels, matchesLabels, matchesSelector } from "../../kinds/label-selector.js";
import { ipv6SubnetOf } from "../../kinds/network.js";
import { deepEqual } from "../../lib/deep-equal.js";
import { familyOf, rangeTest } from "../../net/family.js";
import { contains, parseAddress, parseSubnet, type Subnet } from "../../net/ipv4.js";
import { ipv6ShareOf, LONGEST_IPV6_PREFIX, parseIpv6Subnet } from "../../net/ipv6.js";
import type { Network, NetworkSpec } from "../../proto/gen/tallship/v1/network.js";
import type { NetworkPolicy } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { NodeSpec } from "../../proto/gen/tallship/v1/node.js";
import type { CompiledPolicy, PodPolicies } from "../../proto/gen/tallship/v1/policies.js";
import { ofKind } from "../cache/of-kind.js";
import type { CacheChange, Cached, View } from "../cache/view.js";
import { type Compilation, compile, isAbout } from "./compile.js";
import { MemberSet } from "./member-set.js";
import { membersOf, type PolicyPod, policyPodOf, type SetDefinition } from "./peer-set.js";

/** Whether an address lies in a range. */
type RangeTest = (address: string) => boolean;

/** Told of what changed in a book. */
export interface BookReader {
  /** What selects a pod of the node changed, or the pod came or went. */
  podChanged(node: string): void;
  /** A policy that pods are selected by is another. */
  policyChanged(name: string): void;
  /** Members of a set came or went. */
  membersChanged(set: string, members: readonly string[]): void;
}

interface KnownPod {
  readonly pod: PolicyPod;
  policies: PodPolicies;
}

interface KnownPolicy {
  readonly object: NetworkPolicy;
  readonly compilation: Compilation;
}

interface KnownSet {
  readonly members: MemberSet;
  userCount: number;
}

/**
 * Which policies select which pods, and who is in the sets that policies refer to, kept up with every change of pods, namespaces and
 * policies. A change of a pod costs a look at the policies of its namespace and at the sets it could be in; of a policy, at the pods of
 * its namespace and of its sets.
 */
export class PolicyBook {
  private readonly reader: BookReader;
  private readonly namespaces = new Map<string, Labels>();
  private readonly pods = new Map<string, Map<string, KnownPod>>();
  private readonly nodes = new Map<string, Map<string, PodPolicies>>();
  private readonly subnets = new Map<string, Subnet>();
  /** Whether addresses are of a node's subnet of IPv6. */
  private readonly ipv6Subnets = new Map<string, RangeTest>();
  /** By network and node: whether addresses are of the node's share, one test for each family. */
  private readonly shares = new Map<string, ReadonlyMap<string, readonly RangeTest[]>>();
  private readonly policies = new Map<string, Map<string, KnownPolicy>>();
  private readonly sets = new Map<string, KnownSet>();

  constructor(reader: BookReader) {
    this.reader = reader;
  }

  /** Takes everything there is. */
  load(view: Pick<View, "list">): void {
    for (const { object } of view.list("Network")) this.setNetwork(object.metadata, object);
    for (const { object } of view.list("Node")) this.setNode(object.metadata?.name ?? "", object.spec);
    for (const after of view.list("Namespace")) this.setNamespace(after.object.metadata?.name ?? "", after);
    for (const after of view.list("NetworkPolicy")) this.setPolicy(after.object.metadata, after);
    for (const after of view.list("Pod")) this.setPod(after.object.metadata, after);
  }

  /** Takes one change of the cache. */
  take({ key, after }: CacheChange): void {
    if (key.kind === "Namespace") this.setNamespace(key.name, after);
    else if (key.kind === "Node") this.setNode(key.name, ofKind(after, "Node")?.object.spec);
    else if (key.kind === "Network") this.setNetwork(key, ofKind(after, "Network")?.object);
    else if (key.kind === "NetworkPolicy") this.setPolicy(key, after);
    else if (key.kind === "Pod") this.setPod(key, after);
  }

  /** The pods of a node with the policies that select each, by uid. */
  podsOn(node: string): ReadonlyMap<string, PodPolicies> {
    return this.nodes.get(node) ?? new Map();
  }

  /** A policy by its name, namespace/name; undefined when there is none. */
  policy(name: string): CompiledPolicy | undefined {
    const at = name.indexOf("/");
    return this.policies.get(name.slice(0, at))?.get(name.slice(at + 1))?.compilation.policy;
  }

  /** The members of a set that some policy refers to. */
  members(set: string): MemberSet | undefined {
    return this.sets.get(set)?.members;
  }

  /** A node has its subnet before it has pods, and keeps it. */
  private setNode(name: string, { podCIDR = "", podCIDRs = [] }: Partial<NodeSpec> = {}): void {
    const subnet = parseSubnet(podCIDR);
    const ipv6 = podCIDRs.find((cidr) => familyOf(cidr) === "IPv6");
    if (ipv6 === undefined) this.ipv6Subnets.delete(name);
    else this.ipv6Subnets.set(name, rangeTest(ipv6));
    if (subnet === undefined) this.subnets.delete(name);
    else this.subnets.set(name, subnet);
  }

  /** A node has its share of a network before a pod of it has an address. */
  private setNetwork(key: { namespace: string; name: string } | undefined, network: Network | undefined): void {
    const name = `${key?.namespace}/${key?.name}`;
    const slices = network?.status?.slices ?? [];
    const ipv6 = soundIpv6(network?.spec);
    const known = slices.flatMap(({ nodeName, cidr }) => {
      if (parseSubnet(cidr) === undefined) return [];
      const ranges = ipv6 === undefined ? [cidr] : [cidr, ipv6ShareOf(ipv6, cidr)];
      return [[nodeName, ranges.map(rangeTest)] as const];
    });
    if (known.length === 0) this.shares.delete(name);
    else this.shares.set(name, new Map(known));
  }

  private setNamespace(name: string, after: Cached | undefined): void {
    const labels = after?.object.metadata?.labels;
    const before = this.namespaces.get(name);
    if (labels === undefined) this.namespaces.delete(name);
    else this.namespaces.set(name, labels);
    if (before !== undefined && labels !== undefined && isSame(before, labels)) return;
    const selecting = [...this.sets].filter(([, { members }]) => isByNamespace(members.definition));
    for (const [podName, { pod }] of this.pods.get(name) ?? [])
      for (const [set, { members }] of selecting) this.enter(set, members, `${name}/${podName}`, pod);
  }

  private setPolicy(key: { namespace: string; name: string } | undefined, after: Cached | undefined): void {
    const { namespace = "", name = "" } = key ?? {};
    const object = ofKind(after, "NetworkPolicy")?.object;
    const held = this.policies.get(namespace) ?? new Map<string, KnownPolicy>();
    const before = held.get(name);
    if (object === before?.object || (object && deepEqual(object.spec, before?.object.spec))) return;
    const compilation = object && compile(object);
    this.policies.set(namespace, held);
    if (object === undefined || compilation === undefined) held.delete(name);
    else held.set(name, { object, compilation });
    if (held.size === 0) this.policies.delete(namespace);
    for (const [set, definition] of compilation?.sets ?? []) this.use(set, definition);
    for (const set of before?.compilation.sets.keys() ?? []) this.leave(set);
    this.reader.policyChanged(`${namespace}/${name}`);
    for (const known of this.pods.get(namespace)?.values() ?? []) this.select(known);
  }

  private setPod(key: { namespace: string; name: string } | undefined, after: Cached | undefined): void {
    const { namespace = "", name = "" } = key ?? {};
    const object = ofKind(after, "Pod")?.object;
    const pod = object && this.trusted(policyPodOf(object));
    const held = this.pods.get(namespace) ?? new Map<string, KnownPod>();
    const before = held.get(name);
    if (deepEqual(pod, before?.pod)) return;
    this.pods.set(namespace, held);
    if (before !== undefined && before.pod.uid !== pod?.uid) this.forget(before.pod);
    if (pod === undefined) held.delete(name);
    else {
      const known = { pod, policies: before?.pod.uid === pod.uid ? before.policies : NONE };
      held.set(name, known);
      this.select(known);
    }
    if (held.size === 0) this.pods.delete(namespace);
    for (const [set, { members }] of this.sets) this.enter(set, members, `${namespace}/${name}`, pod);
  }

  /** A node speaks for addresses of its own subnet, and of its shares of networks, alone: another's would open what is closed to it. */
  private trusted(pod: PolicyPod | undefined): PolicyPod | undefined {
    if (pod === undefined) return undefined;
    const subnet = this.subnets.get(pod.node);
    const shares = [...this.shares.values()].flatMap((byNode) => byNode.get(pod.node) ?? []);
    const isShared = (text: string): boolean => shares.some((holds) => holds(text));
    const isOwn = (text: string): boolean => {
      const address = parseAddress(text);
      if (address === undefined) return this.ipv6Subnets.get(pod.node)?.(text) === true || isShared(text);
      return subnet === undefined || contains(subnet, address) || isShared(text);
    };
    return pod.addresses.every(isOwn) ? pod : { ...pod, addresses: pod.addresses.filter(isOwn) };
  }

  private forget({ node, uid }: PolicyPod): void {
    const pods = this.nodes.get(node);
    pods?.delete(uid);
    if (pods?.size === 0) this.nodes.delete(node);
    this.reader.podChanged(node);
  }

  /** Finds the policies that select the pod. */
  private select(known: KnownPod): void {
    const { uid, namespace, node, labels } = known.pod;
    const selecting = [...(this.policies.get(namespace) ?? [])]
      .filter(([, { object }]) => matchesSelector(object.spec?.podSelector, labels))
      .sort(([one], [other]) => (one < other ? -1 : 1));
    const about = (direction: "Ingress" | "Egress"): string[] =>
      selecting.filter(([, { object }]) => isAbout(object, direction)).map(([name]) => `${namespace}/${name}`);
    const policies = { uid, ingress: about("Ingress"), egress: about("Egress") };
    const pods = this.nodes.get(node) ?? new Map<string, PodPolicies>();
    if (pods.has(uid) && deepEqual(policies, known.policies)) return;
    known.policies = policies;
    this.nodes.set(node, pods);
    pods.set(uid, policies);
    this.reader.podChanged(node);
  }

  private use(set: string, definition: SetDefinition): void {
    const known = this.sets.get(set);
    if (known !== undefined) {
      known.userCount += 1;
      return;
    }
    const members = new MemberSet(definition);
    this.sets.set(set, { members, userCount: 1 });
    const { namespace } = definition;
    const places = namespace === undefined ? [...this.pods.keys()] : [namespace];
    for (const place of places)
      for (const [name, { pod }] of this.pods.get(place) ?? []) this.enter(set, members, `${place}/${name}`, pod);
  }

  private leave(set: string): void {
    const known = this.sets.get(set);
    if (known === undefined) return;
    known.userCount -= 1;
    if (known.userCount > 0) return;
    this.sets.delete(set);
    // Whoever was told of them hears who is not in it when it comes back: nobody follows its pods until then.
    this.reader.membersChanged(set, [...known.members.members]);
  }

  private enter(set: string, members: MemberSet, podKey: string, pod: PolicyPod | undefined): void {
    const brought = pod && membersOf(members.definition, pod, this.namespaces.get(pod.namespace));
    const changed = members.put(podKey, brought ?? []);
    if (changed.length > 0) this.reader.membersChanged(set, changed);
  }
}

const NONE: PodPolicies = { uid: "", ingress: [], egress: [] };

function isSame(one: Labels, other: Labels): boolean {
  return matchesLabels(one, other) && matchesLabels(other, one);
}

function isByNamespace(definition: SetDefinition): boolean {
  return definition.is === "pods" && definition.namespaces !== undefined;
}

/** A network's range of IPv6, of which shares can be told; undefined when it has none. */
function soundIpv6(spec: NetworkSpec | undefined): string | undefined {
  const text = spec && ipv6SubnetOf(spec);
  const subnet = parseIpv6Subnet(text ?? "");
  return subnet !== undefined && subnet.prefixLength <= LONGEST_IPV6_PREFIX ? text : undefined;
}
