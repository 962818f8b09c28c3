import fc from "fast-check";
import { expect, test } from "vitest";
import { overlaps } from "../../lib/cidr-overlap.js";
import { isLetThrough } from "../../net/policy/verdict.js";
import { PolicyWorld } from "../../test/kit/policy-world.js";

// The oracle: Kubernetes' words, read naively over all objects, for one connection.

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}
interface Peer {
  readonly ipBlock: { readonly cidr: string; readonly except: readonly string[] } | undefined;
  readonly podSelector: Selector | undefined;
  readonly namespaceSelector: Selector | undefined;
}
interface Port {
  readonly protocol: string;
  /** A number, or a name. */
  readonly port: number | string | undefined;
  readonly endPort: number | undefined;
}
interface Rule {
  readonly peers: readonly Peer[];
  readonly ports: readonly Port[];
}
interface Policy {
  readonly podSelector: Selector;
  readonly ingress: readonly Rule[];
  readonly egress: readonly Rule[];
  readonly policyTypes: readonly string[];
}
interface OraclePod {
  readonly namespace: string;
  readonly address: string;
  readonly app: string;
  readonly http: number;
}
interface Flow {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port: number;
}

class Oracle {
  readonly teams = new Map<string, string>();
  readonly pods = new Map<string, OraclePod>();
  readonly policies = new Map<string, Policy>();

  verdict(flow: Flow): boolean {
    if (flow.from === flow.to) return true;
    return this.isAllowed("Egress", flow) && this.isAllowed("Ingress", flow);
  }

  private isAllowed(direction: "Egress" | "Ingress", flow: Flow): boolean {
    const own = direction === "Egress" ? flow.from : flow.to;
    return this.at(own).every((pod) => {
      const selecting = [...this.policies].filter(
        ([name, { policyTypes, podSelector }]) =>
          name.startsWith(`${pod.namespace}/`) &&
          policyTypes.includes(direction) &&
          matches(podSelector, { app: pod.app }),
      );
      const rules = selecting.flatMap(([, one]) => (direction === "Egress" ? one.egress : one.ingress));
      const other = direction === "Egress" ? flow.to : flow.from;
      return selecting.length === 0 || rules.some((rule) => this.allows(pod.namespace, rule, { ...flow, other }));
    });
  }

  private allows(namespace: string, { peers, ports }: Rule, flow: Flow & { readonly other: string }): boolean {
    return (
      (peers.length === 0 || peers.some((peer) => this.isPeer(namespace, peer, flow.other))) &&
      (ports.length === 0 || ports.some((port) => this.isPort(port, flow)))
    );
  }

  private isPeer(namespace: string, { ipBlock, podSelector, namespaceSelector }: Peer, other: string): boolean {
    if (ipBlock !== undefined)
      return within(other, ipBlock.cidr) && !ipBlock.except.some((part) => within(other, part));
    return this.at(other).some((pod) => {
      const team = this.teams.get(pod.namespace);
      const isThere =
        namespaceSelector === undefined
          ? pod.namespace === namespace
          : matches(namespaceSelector, team === undefined ? {} : { team });
      return isThere && (podSelector === undefined || matches(podSelector, { app: pod.app }));
    });
  }

  private isPort({ protocol, port, endPort }: Port, flow: Flow): boolean {
    if (protocol !== flow.protocol) return false;
    if (typeof port === "string") return this.at(flow.to).some(({ http }) => http === flow.port);
    return port === undefined || (flow.port >= port && flow.port <= (endPort ?? port));
  }

  private at(address: string): readonly OraclePod[] {
    return [...this.pods.values()].filter((pod) => pod.address === address);
  }
}

function matches({ matchLabels, matchExpressions }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, values }) => !values.includes(labels[key] ?? ""))
  );
}

function within(address: string, cidr: string): boolean {
  return overlaps(`${address}/32`, cidr);
}

const everything: Selector = { matchLabels: {}, matchExpressions: [] };
const apps = fc.constantFrom("web", "db", "cache");
const teams = fc.constantFrom("red", "blue");
const without = (value: string): Selector => ({
  matchLabels: {},
  matchExpressions: [{ key: "app", operator: "NotIn", values: [value] }],
});
const podSelector = fc.oneof(
  fc.constant(everything),
  apps.map((app): Selector => ({ matchLabels: { app }, matchExpressions: [] })),
  apps.map(without),
);
const namespaceSelector = fc.oneof(
  fc.constant(everything),
  teams.map((team): Selector => ({ matchLabels: { team }, matchExpressions: [] })),
);
const peer: fc.Arbitrary<Peer> = fc.oneof(
  fc
    .constantFrom(
      { cidr: "10.0.0.0/8", except: [] },
      { cidr: "10.0.0.77/23", except: ["10.0.1.0/24"] },
      { cidr: "203.0.113.0/24", except: ["203.0.113.7/32"] },
      { cidr: "fd00::/8", except: [] },
    )
    .map((ipBlock) => ({ ipBlock, podSelector: undefined, namespaceSelector: undefined })),
  podSelector.map((pods) => ({ ipBlock: undefined, podSelector: pods, namespaceSelector: undefined })),
  namespaceSelector.map((namespaces) => ({
    ipBlock: undefined,
    podSelector: undefined,
    namespaceSelector: namespaces,
  })),
  fc.record({ podSelector, namespaceSelector }).map((both) => ({ ...both, ipBlock: undefined })),
);
const port: fc.Arbitrary<Port> = fc.constantFrom(
  { protocol: "TCP", port: undefined, endPort: undefined },
  { protocol: "UDP", port: 53, endPort: undefined },
  { protocol: "TCP", port: 80, endPort: undefined },
  { protocol: "TCP", port: 8000, endPort: 8090 },
  { protocol: "TCP", port: "http", endPort: undefined },
);
const rule = fc.record({ peers: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) });
const rules = fc.array(rule, { maxLength: 2 });
const policy: fc.Arbitrary<Policy> = fc.record({
  podSelector,
  ingress: rules,
  egress: rules,
  policyTypes: fc.constantFrom<readonly string[]>(["Ingress"], ["Egress"], ["Ingress", "Egress"]),
});

const at = fc.nat(5);
const step = fc.oneof(
  fc.record({ do: fc.constant("pod" as const), at, app: apps }),
  fc.record({ do: fc.constant("drop pod" as const), at }),
  fc.record({ do: fc.constant("policy" as const), at, policy }),
  fc.record({ do: fc.constant("drop policy" as const), at }),
  fc.record({ do: fc.constant("namespace" as const), at, team: teams }),
  fc.record({ do: fc.constant("connect" as const), at }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const namespaceAt = (number: number): string => (number % 2 === 0 ? "a" : "b");
const nodeAt = (number: number): "one" | "two" => (number < 3 ? "one" : "two");

/** One pair of worlds: what the leader and its nodes make of the steps, and what the oracle does. */
class Pair {
  readonly world = new PolicyWorld();
  readonly oracle = new Oracle();

  take(one: Step): void {
    const namespace = namespaceAt(one.at);
    const [pod, name] = [`${namespace}/pod${one.at}`, `${namespace}/policy${one.at}`];
    switch (one.do) {
      case "connect":
        this.world.connect(nodeAt(one.at));
        return;
      case "namespace":
        this.oracle.teams.set(namespace, one.team);
        this.world.namespace(namespace, { team: one.team });
        return;
      case "policy":
        this.oracle.policies.set(name, one.policy);
        this.world.policy(name, specOf(one.policy));
        return;
      case "drop policy":
        this.oracle.policies.delete(name);
        this.world.dropPolicy(name);
        return;
      case "drop pod":
        this.oracle.pods.delete(pod);
        this.world.dropPod(pod);
        return;
      case "pod": {
        const http = one.app === "web" ? 8080 : 80;
        const address = `10.0.${nodeAt(one.at) === "one" ? 0 : 1}.${one.at + 1}`;
        this.oracle.pods.set(pod, { namespace, address, app: one.app, http });
        const labels = { app: one.app };
        this.world.pod({ name: pod, node: nodeAt(one.at), address, labels, ports: { http } });
        return;
      }
    }
  }

  /** What the nodes at both ends decide. */
  found({ protocol, ...flow }: Flow): boolean {
    return (["one", "two"] as const).every((node) => {
      const uidOf = (address: string): string | undefined => {
        const [name] = [...this.oracle.pods].find(([, pod]) => pod.address === address) ?? [""];
        const number = Number(name.at(-1));
        return name !== "" && nodeAt(number) === node ? `pod${number}` : undefined;
      };
      return isLetThrough(this.world.knownTo(node), uidOf, { ...flow, protocol: protocol.toLowerCase() });
    });
  }
}

function specOf({ ingress, egress, ...rest }: Policy) {
  const ports = ({ ports: all }: Rule) =>
    all.map(({ port: value, ...other }) => ({
      ...other,
      ...(value === undefined ? {} : { port: intOrString(value) }),
    }));
  return {
    ...rest,
    ingress: ingress.map((one) => ({ from: one.peers, ports: ports(one) })),
    egress: egress.map((one) => ({ to: one.peers, ports: ports(one) })),
  };
}

function intOrString(value: number | string) {
  if (typeof value === "number") return { value: { $case: "intVal", value } as const };
  return { value: { $case: "strVal", value } as const };
}

function flowsAmong(addresses: readonly string[]): readonly Flow[] {
  const ports = [80, 8080, 8090].map((number) => ["TCP", number] as const);
  const targets = [...ports, ["UDP", 53] as const, ["UDP", 80] as const];
  return addresses.flatMap((from) =>
    addresses.flatMap((to) => targets.map(([protocol, number]) => ({ from, to, protocol, port: number }))),
  );
}

test("whatever changes in whatever order, nodes decide together as Kubernetes' words say", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 6, maxLength: 30 }), fc.nat(3), (steps, readEvery) => {
      const pair = new Pair();
      for (const [number, one] of steps.entries()) {
        pair.take(one);
        if (number % (readEvery + 1) === 0) for (const node of ["one", "two"]) pair.world.knownTo(node);
      }
      const addresses = [...[...pair.oracle.pods.values()].map(({ address }) => address), "203.0.113.7", "203.0.113.8"];
      for (const flow of flowsAmong(addresses))
        expect({ flow, is: pair.found(flow) }).toEqual({ flow, is: pair.oracle.verdict(flow) });
    }),
    { numRuns: 150, seed: 7 },
  );
});
