import { setsOf } from "../../kinds/compiled-policies.js";
import { metaOf } from "../../kinds/object.js";
import { LabelSelector } from "../../proto/gen/tallship/v1/meta.js";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "../../proto/gen/tallship/v1/networkpolicy.js";
import type { CompiledPeer, CompiledPolicy, CompiledPort, CompiledRule } from "../../proto/gen/tallship/v1/policies.js";
import { type SetDefinition, setName } from "./peer-set.js";

/** A policy without selectors, and the sets that it refers to instead. */
export interface Compilation {
  readonly policy: CompiledPolicy;
  readonly sets: ReadonlyMap<string, SetDefinition>;
}

/** Directions that a policy may be about. */
export type Direction = "Ingress" | "Egress";

/** True when pods that the policy selects let through in that direction only what some policy allows. */
export function isAbout({ spec }: NetworkPolicy, direction: Direction): boolean {
  return spec?.policyTypes.includes(direction) === true;
}

/** Replaces selectors and port names by sets. Pure: the same policy gives the same names on every leader. */
export function compile(object: NetworkPolicy): Compilation {
  const { namespace, name } = metaOf(object);
  const sets = new Map<string, SetDefinition>();
  const refer = (definition: SetDefinition): string => {
    const id = setName(definition);
    sets.set(id, definition);
    return id;
  };
  // A named port is a port of the pod that is sent to: of the policy's own namespace when that is the selected pod.
  const ingress = (object.spec?.ingress ?? []).map(({ from, ports }) =>
    compileRule({ peers: from, ports, namespace, portNamespace: namespace }, refer),
  );
  const egress = (object.spec?.egress ?? []).map(({ to, ports }) =>
    compileRule({ peers: to, ports, namespace, portNamespace: undefined }, refer),
  );
  const policy: CompiledPolicy = {
    name: `${namespace}/${name}`,
    ingress: isAbout(object, "Ingress") ? ingress : [],
    egress: isAbout(object, "Egress") ? egress : [],
  };
  const used = new Set([...policy.ingress, ...policy.egress].flatMap(setsOf));
  return { policy, sets: new Map([...sets].filter(([id]) => used.has(id))) };
}

type Refer = (definition: SetDefinition) => string;

interface Rule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
  readonly namespace: string;
  readonly portNamespace: string | undefined;
}

function compileRule({ peers, ports, namespace, portNamespace }: Rule, refer: Refer): CompiledRule {
  return {
    peers: peers.map((peer) => compilePeer(peer, namespace, refer)),
    ports: ports.map((port) => compilePort(port, portNamespace, refer)),
  };
}

function compilePeer(peer: NetworkPolicyPeer, namespace: string, refer: Refer): CompiledPeer {
  if (peer.ipBlock !== undefined) return { peer: { $case: "block", value: peer.ipBlock } };
  const { namespaceSelector: namespaces } = peer;
  const value = refer({
    is: "pods",
    namespace: namespaces === undefined ? namespace : undefined,
    namespaces,
    pods: peer.podSelector ?? LabelSelector.fromPartial({}),
  });
  return { peer: { $case: "set", value } };
}

function compilePort(port: NetworkPolicyPort, namespace: string | undefined, refer: Refer): CompiledPort {
  const protocol = port.protocol || "TCP";
  const value = port.port?.value;
  if (value?.$case === "strVal") {
    const set = refer({ is: "ports", namespace, portName: value.value, protocol });
    return { protocol, first: 0, last: 0, set };
  }
  const first = value?.value ?? 0;
  return { protocol, first, last: port.endPort ?? first, set: "" };
}
