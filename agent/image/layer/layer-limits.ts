import { TallshipError } from "../../../lib/errors.js";
import { limit } from "../../../lib/limits.js";

/** Bounds of one layer. */
export interface LayerLimits {
  readonly unpackedBytes: number;
  readonly entryCount: number;
  readonly ratio: number;
  /** Names and attributes that are kept until the layer is complete. */
  readonly heldBytes: number;
}

/** How much of a layer has been seen. */
export interface LayerGrowth {
  readonly packedBytes: number;
  unpackedBytes: number;
  entryCount: number;
  heldBytes: number;
  /** The largest file, its holes included. */
  largestBytes: number;
}

/** The bounds of lib/limits.ts. */
export function defaultLayerLimits(): LayerLimits {
  return {
    unpackedBytes: limit("imageUnpackedBytes"),
    entryCount: limit("imageLayerEntries"),
    ratio: limit("imageLayerRatio"),
    heldBytes: limit("imageLayerHeldBytes"),
  };
}

/** Below this much content a high ratio is harmless: a small file of zeros. */
const RATIO_FLOOR_BYTES = 67_108_864;

/** Throws image_refused when a layer has grown past its bounds. */
export function checkGrowth(limits: LayerLimits, grown: LayerGrowth): void {
  const { packedBytes, unpackedBytes, entryCount } = grown;
  if (unpackedBytes > limits.unpackedBytes) throw bomb(`more than ${limits.unpackedBytes} bytes unpacked`);
  if (grown.largestBytes > limits.unpackedBytes) throw bomb(`a file of ${grown.largestBytes} bytes`);
  if (grown.heldBytes > limits.heldBytes) throw bomb(`more than ${limits.heldBytes} bytes of names and attributes`);
  if (entryCount > limits.entryCount) throw bomb(`more than ${limits.entryCount} entries`);
  if (unpackedBytes > RATIO_FLOOR_BYTES && unpackedBytes > packedBytes * limits.ratio) {
    throw bomb(`${unpackedBytes} bytes from ${packedBytes}, more than ${limits.ratio} times`);
  }
}

function bomb(what: string): TallshipError {
  return new TallshipError("image_refused", `layer is a bomb: ${what}`);
}
