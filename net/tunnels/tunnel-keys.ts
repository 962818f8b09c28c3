/** A pair of keys of this node. The private half never leaves it. */
export interface TunnelKey {
  /** Counts the cluster's changes of keys: nodes of one generation speak with each other. */
  readonly generation: number;
  readonly privateKey: string;
  readonly publicKey: string;
  /** Wall clock, milliseconds. */
  readonly madeAtMs: number;
}

/** Edge: where a node keeps its keys. */
export interface TunnelKeys {
  load(): Promise<readonly TunnelKey[]>;
  save(keys: readonly TunnelKey[]): Promise<void>;
  /** A fresh pair; not saved. */
  make(generation: number, nowMs: number): TunnelKey;
}

/** What others must know of a key. */
export interface PublishedKey {
  readonly generation: number;
  readonly publicKey: string;
  /** UDP port that the node listens on with it. */
  readonly port: number;
}

/** Ports of the generations: the even ones', and the next. */
export const TUNNEL_PORTS = [51_820, 51_821] as const;

/** The port of a generation. */
export function tunnelPort(generation: number): number {
  return TUNNEL_PORTS[generation % 2 === 0 ? 0 : 1];
}
