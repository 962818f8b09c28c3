import type { CacheBatch, Cached } from "../../controlplane/cache/view.js";
import { NodePolicies, type PolicySource } from "../../controlplane/policies/node-policies.js";
import { keyOf, keyText, type ObjectKey, type Typed } from "../../kinds/object.js";
import type { KindName } from "../../kinds/registry.js";
import { NO_POLICIES, nextPolicies, type PolicyMap } from "../../net/policy/policy-map.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { NetworkPolicy } from "../../proto/gen/tallship/v1/networkpolicy.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";

type Labels = Readonly<Record<string, string>>;

/** A pod of a test: `namespace/name` on a node, with an address. */
export interface TestPolicyPod {
  readonly name: string;
  readonly node: string;
  readonly address: string;
  readonly ipv6?: string;
  readonly labels?: Labels;
  /** Ports with a name, TCP. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly change?: { readonly hostNetwork?: boolean; readonly phase?: string; readonly uid?: string };
}

/** The spec of a policy, in part. */
export type PolicySpec = NonNullable<Parameters<typeof NetworkPolicy.fromPartial>[0]["spec"]>;

/** The leader's half of network policies over objects that a test puts and drops, and what nodes have heard of it. */
export class PolicyWorld {
  private readonly objects = new Map<string, Cached>();
  private readonly listeners: ((batch: CacheBatch) => void)[] = [];
  private readonly heard = new Map<string, PolicyMap>();
  private revision = 0;
  /** Messages that nodes were sent. */
  messageCount = 0;
  readonly policies: NodePolicies;

  constructor() {
    const source: PolicySource = {
      view: {
        list: <K extends KindName>(kind: K) =>
          [...this.objects.values()].filter((one) => isOf(one, kind)) as Cached<K>[],
        get revision() {
          return 0;
        },
      },
      subscribe: (listener) => {
        this.listeners.push(listener);
        return () => undefined;
      },
    };
    this.policies = new NodePolicies(source, () => undefined);
    this.policies.follow();
  }

  /** Puts an object in place of the one of its name. */
  put(typed: Typed): void {
    this.change(keyOf(typed), { ...typed, revision: this.revision + 1, bytes: new Uint8Array() } as Cached);
  }

  drop(key: ObjectKey): void {
    this.change(key, undefined);
  }

  namespace(name: string, labels: Labels = {}): void {
    this.put({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name, labels } }) });
  }

  node(name: string, podCIDR: string, ipv6?: string): void {
    const podCIDRs = ipv6 === undefined ? [podCIDR] : [podCIDR, ipv6];
    this.put({ kind: "Node", object: Node.fromPartial({ metadata: { name }, spec: { podCIDR, podCIDRs } }) });
  }

  pod({ name, node, address, ipv6 = "", labels = {}, ports = {}, change = {} }: TestPolicyPod): void {
    const { hostNetwork = false, phase = "Running", uid = name.split("/")[1] } = change;
    const containerPorts = Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort }));
    const object = Pod.fromPartial({
      metadata: { ...nameOf(name), uid: uid ?? "", labels },
      spec: { nodeName: node, hostNetwork, containers: [{ name: "main", ports: containerPorts }] },
      status: { podIP: address, podIPs: [address, ipv6].filter((ip) => ip !== "").map((ip) => ({ ip })), phase },
    });
    this.put({ kind: "Pod", object });
  }

  policy(name: string, spec: PolicySpec): void {
    const types = spec.policyTypes ?? ["Ingress"];
    const object = NetworkPolicy.fromPartial({
      metadata: nameOf(name),
      spec: { podSelector: {}, ...spec, policyTypes: types },
    });
    this.put({ kind: "NetworkPolicy", object });
  }

  dropPolicy(name: string): void {
    this.drop({ kind: "NetworkPolicy", ...nameOf(name) });
  }

  dropPod(name: string): void {
    this.drop({ kind: "Pod", ...nameOf(name) });
  }

  /** The node says hello: it is told everything. */
  connect(node: string): void {
    this.policies.begin(node);
    this.heard.set(node, NO_POLICIES);
  }

  /** What a connected node knows once it has read all there is to read. */
  knownTo(node: string): PolicyMap {
    if (!this.heard.has(node)) this.connect(node);
    let map = this.heard.get(node) ?? NO_POLICIES;
    for (let update = this.policies.next(node); update !== undefined; update = this.policies.next(node)) {
      map = nextPolicies(map, update);
      this.messageCount += 1;
    }
    this.heard.set(node, map);
    return map;
  }

  private change(key: ObjectKey, after: Cached | undefined): void {
    const before = this.objects.get(keyText(key));
    this.revision += 1;
    if (after === undefined) this.objects.delete(keyText(key));
    else this.objects.set(keyText(key), after);
    const { revision } = this;
    for (const listener of this.listeners) listener({ changes: [{ key, before, after, revision }], revision });
  }
}

function nameOf(name: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", own = ""] = name.split("/");
  return { namespace, name: own };
}

function isOf(cached: Cached, kind: KindName): boolean {
  return cached.kind === kind;
}
