import { limit } from "../../lib/limits.js";
import type { ImageReport } from "../../proto/gen/tallship/v1/session.js";

/** Brings the digests of what a node holds up to its report; what a node holds too much of is not known. */
export function takeImages(images: Set<string>, { isWhole, added, removed }: ImageReport): void {
  if (isWhole) images.clear();
  for (const digest of removed) images.delete(digest);
  for (const digest of added) if (images.size < limit("imagesPerNode")) images.add(digest);
}
