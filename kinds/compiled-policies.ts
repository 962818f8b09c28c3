import type { CompiledRule } from "../proto/gen/tallship/v1/policies.js";

/** Names of the sets that a compiled rule refers to. */
export function setsOf({ peers, ports }: CompiledRule): readonly string[] {
  const ofPeers = peers.flatMap(({ peer }) => (peer?.$case === "set" ? [peer.value] : []));
  return [...ofPeers, ...ports.flatMap(({ set }) => (set === "" ? [] : [set]))];
}
