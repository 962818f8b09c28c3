/** Keys of what the store holds beside objects; their values are the messages of record.proto. */
export const META = {
  leader: "/tallship/meta/leader",
  epoch: "/tallship/meta/epoch",
  replicas: "/tallship/meta/replica/",
  tokens: "/tallship/meta/token/",
  taken: "/tallship/meta/taken/",
  /** Written by who looks for contents that nobody names: the caches that have seen it have seen all that was named before. */
  contentSweep: "/tallship/meta/content-sweep",
} as const;

/**
 * What applies store once, by digest: as it is, or (under a keyed digest) sealed like the Secret that it was applied to.
 * Not below /tallship/, so that watch caches neither list nor follow it.
 */
export const CONTENT = { plain: "/tallship-content/", sealed: "/tallship-content/sealed-" } as const;

/** The first key that is not below the prefix, for ranges that exclude their end. */
export function prefixEnd(prefix: string): string {
  const last = prefix.length - 1;
  return prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}
