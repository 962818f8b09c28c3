import type { Pod, PodNetwork } from "../proto/gen/tallship/v1/pod.js";
import type { HookName } from "./actions.js";
import type { ConfigValues } from "./config-values.js";
import type { LocalImage, PullProgress } from "./image/images.js";
import type { PodRecord } from "./pod-record.js";
import type { ObservedContainer } from "./runtime/runtime.js";
import type { PodUsers } from "./userns/pod-users.js";

/** Whether services still send traffic to a pod, as the node sees it. */
export type Withdrawal =
  /** No service ever led to it while the agent watched: nobody needs to be waited for. */
  | { readonly is: "none" }
  /** A service leads to it. */
  | { readonly is: "serving" }
  /** It was taken out of its services at this revision. */
  | { readonly is: "withdrawn"; readonly revision: number };

/** What the hooks found out for a pod; kept in memory only, since every hook can do it again. */
export interface PodFacts {
  /** Hooks that are up. */
  readonly up: ReadonlySet<HookName>;
  /** Hooks that have been taken down; a pod that goes is released once more after a restart of the agent, harmlessly. */
  readonly down: ReadonlySet<HookName>;
  /** Whether the pod's folders and control groups are gone. */
  readonly isCleared: boolean;
  /** Whether the control plane was told that the pod is gone. */
  readonly isConfirmed: boolean;
  /** Image of each container. */
  readonly images: ReadonlyMap<string, LocalImage>;
  /** What the spec called each of them when it was fetched. */
  readonly imageNames: ReadonlyMap<string, string>;
  /** How far the images of containers are that are being pulled. */
  readonly pulling: ReadonlyMap<string, PullProgress>;
  /** The pod's own user namespace; undefined: the host's. */
  readonly users: PodUsers | undefined;
  /** The pod's address; the host's for pods on the host's network; empty before the sandbox is up. */
  readonly address: string;
  /** Its address of IPv6; empty: none. */
  readonly ipv6: string;
  /** The pod's networks, where it is on others than the cluster's own. */
  readonly networks: readonly PodNetwork[];
  /** Host path of each volume by name. */
  readonly volumePaths: ReadonlyMap<string, string>;
  /** ConfigMaps and Secrets that the pod names. */
  readonly configs: ConfigValues | undefined;
  /** How often a ConfigMap or Secret of the pod may have changed, and up to which change its volumes are up to date. */
  readonly configChangeCount: number;
  readonly configsSeenCount: number;
}

/** Facts of a pod for which nothing was done yet. */
export const NO_FACTS: PodFacts = {
  up: new Set(),
  down: new Set(),
  isCleared: false,
  isConfirmed: false,
  images: new Map(),
  imageNames: new Map(),
  pulling: new Map(),
  users: undefined,
  address: "",
  ipv6: "",
  networks: [],
  volumePaths: new Map(),
  configs: undefined,
  configChangeCount: 0,
  configsSeenCount: 0,
};

/** The pod's addresses, IPv4 first. */
export function podIPs({ address, ipv6 }: Pick<PodFacts, "address" | "ipv6">): readonly string[] {
  return [address, ipv6].filter((ip) => ip !== "");
}

/** The facts after a ConfigMap or Secret of the pod may have changed. */
export function withConfigChange(facts: PodFacts): PodFacts {
  return { ...facts, configChangeCount: facts.configChangeCount + 1 };
}

/** Everything that one decision about one pod rests on. */
export interface PodTurn {
  /** The pod as the control plane, or the checkpoint, wants it; undefined when nobody does any more. */
  readonly desired: Pod | undefined;
  /** Whether the set of desired pods is known from the control plane: only then an unknown pod may be removed. */
  readonly isConfirmedSet: boolean;
  readonly containers: readonly ObservedContainer[];
  readonly record: PodRecord;
  readonly facts: PodFacts;
  readonly withdrawal: Withdrawal;
  /** Endpoint revision that every Ready node's kernel reflects. */
  readonly cutOverRevision: number;
  readonly nowMs: number;
}
