import type { NodeNetwork } from "../../net/node-network.js";
import type { HookName } from "../actions.js";
import type { AgentEdges } from "../agent-edges.js";
import type { NodeTraits } from "../assemble.js";
import type { ClaimSource } from "../claim-source.js";
import type { ConfigSource } from "../config-source.js";
import type { NodeDevices } from "../devices/node-devices.js";
import type { HostFacts } from "../host/host-facts.js";
import type { ClusterNames } from "../pod/pod-files.js";
import type { ClusterImages } from "../session/cluster-images.js";
import type { PodNamespaces } from "../userns/pod-namespaces.js";
import { configHook } from "./config.js";
import { devicesHook } from "./devices.js";
import type { Hook } from "./hook.js";
import { imageHook, type OnPull } from "./image.js";
import { policyHook } from "./policy.js";
import { type PodAddresses, sandboxHook } from "./sandbox.js";
import { usersHook } from "./users.js";
import { volumesHook } from "./volumes.js";

/** What a node's hooks work with. */
export interface PodHookParts {
  readonly edges: Pick<AgentEdges, "images" | "disk" | "hostResolvConf"> & {
    readonly cluster: Pick<ClusterNames, "dnsAddress" | "clusterDomain">;
    readonly traits: Pick<NodeTraits, "runDir" | "hostname" | "allocatable">;
    readonly facts: Pick<HostFacts, "nodeIP" | "nodeIPv6">;
  };
  readonly network: NodeNetwork;
  readonly addresses: PodAddresses;
  readonly configs: ConfigSource;
  readonly claims: ClaimSource;
  readonly users: PodNamespaces;
  readonly devices: NodeDevices;
  readonly specOf: ClusterImages["specOf"];
  readonly onPull: OnPull;
}

/** Everything that a pod of this node needs before its containers, by name. */
export function podHooks(parts: PodHookParts): Readonly<Record<HookName, Hook>> {
  const { edges, network, addresses, configs, claims, users, devices, specOf, onPull } = parts;
  const { images, disk, cluster, hostResolvConf, traits, facts } = edges;
  return {
    image: imageHook(images, configs, { specOf, onPull }),
    users: usersHook(users, traits.runDir),
    sandbox: sandboxHook(network, addresses, facts),
    config: configHook(configs),
    policy: policyHook(network),
    devices: devicesHook(devices),
    volumes: volumesHook({ disk, claims }, { ...cluster, hostResolvConf }, traits),
  };
}
