/** What the control plane told the node of itself. */
export interface NodeFactsFromControlPlane {
  readonly podCIDRs: readonly string[];
  readonly controlPlaneAddresses: readonly string[];
}

/** Edge: keeps that over restarts, so that a node starts without a control plane. Empty lists before the first welcome. */
export interface NodeMemory extends NodeFactsFromControlPlane {
  remember(told: NodeFactsFromControlPlane): void;
  /** The network policies that were last remembered, as one PolicyUpdate; undefined when none were, or they cannot be read. */
  readonly policies: Uint8Array | undefined;
  rememberPolicies(update: Uint8Array): void;
}
