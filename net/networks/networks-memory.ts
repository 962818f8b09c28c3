import type { Network } from "../../proto/gen/tallship/v1/network.js";

/** Edge: networks as the host knew them last, for the time after a reboot in which no control plane is heard of. */
export interface NetworksMemory {
  /** None when there are none, or they cannot be read. */
  load(): Promise<readonly Network[]>;
  /** Saving the same again costs nothing. Never rejects: what cannot be saved is said in the log. */
  save(networks: readonly Network[]): Promise<void>;
}

/**
 * What a node needs of networks to begin without others: every range, so that networks stay apart, and of the shares its own. In order of their
 * names, so that equal networks are equal bytes.
 */
export function rememberedOf(networks: Iterable<Network>, nodeName: string): readonly Network[] {
  const nameOf = ({ metadata }: Network): string => `${metadata?.namespace}/${metadata?.name}`;
  return [...networks]
    .sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))
    .map(({ metadata, spec, status }) => ({
      metadata: metadata && { ...metadata, resourceVersion: "", managedFields: [] },
      spec,
      status: status && {
        slices: status.slices.filter((slice) => slice.nodeName === nodeName),
        pods: 0,
        conditions: [],
      },
    }));
}
