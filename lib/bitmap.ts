/** Bits by number, packed eight to a byte, the first in the lowest bit of the first byte: what goes over the wire. */
export type Bitmap = Uint8Array;

/** True when the bit is set; bits beyond the end are not. */
export function hasBit(bits: Bitmap, at: number): boolean {
  return ((bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
}

/** Sets a bit in place; bits beyond the end are left alone. */
export function setBit(bits: Bitmap, at: number): void {
  const index = at >> 3;
  if (index < bits.length) bits[index] = (bits[index] ?? 0) | (1 << (at & 7));
}

/** A bitmap of so many bits, none set. */
export function emptyBitmap(count: number): Bitmap {
  return new Uint8Array(Math.ceil(count / 8));
}

/** Numbers of the bits below `count` that are not set, in order. */
export function missingBits(bits: Bitmap, count: number): readonly number[] {
  const missing: number[] = [];
  for (let at = 0; at < count; at += 1) if (!hasBit(bits, at)) missing.push(at);
  return missing;
}
