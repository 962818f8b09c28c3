/** An image that has a name on a node. */
export interface KeptImage {
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: string;
  /** When a pod last asked for it, by the monotonic clock. */
  readonly usedAtMs: number;
}

/** What must stay. */
export interface InUse {
  /** Digests that containers of the node stand on, or that pods of it name. */
  readonly byPods: ReadonlySet<string>;
  /** Digests that names of the cluster stand for: other nodes may have it from here alone. */
  readonly byCluster: ReadonlySet<string>;
}

/** The images that can go, those first that nothing has asked for the longest. */
export function unusedImages(images: readonly KeptImage[], { byPods, byCluster }: InUse): readonly KeptImage[] {
  return images
    .filter(({ digest }) => !byPods.has(digest) && !byCluster.has(digest))
    .sort((a, b) => a.usedAtMs - b.usedAtMs || (a.name < b.name ? -1 : 1));
}
