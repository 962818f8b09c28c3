import type { ErrorCode } from "../../lib/errors.js";

/** What is counted of pulls. */
export interface ImageMetrics {
  /** A pull that ended well; the bytes are those fetched from registries. */
  pulled(seconds: number, bytes: number): void;
  /** A pull that failed. */
  failed(code: ErrorCode): void;
}

/** Counts nothing. */
export const noImageMetrics: ImageMetrics = { pulled: () => undefined, failed: () => undefined };
