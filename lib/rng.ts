/** Edge: all randomness. Secrets come from the system's generator; the simulator passes a seeded one. */
export interface Rng {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** Bytes that cannot be guessed (seeded: that can be replayed). */
  bytes(count: number): Uint8Array;
  /** A version 4 UUID. */
  uuid(): string;
}

/** A generator that replays: the same seed gives the same sequence. Mulberry32; never for secrets. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (bound: number): number => Math.floor(float() * bound);
  const bytes = (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256));
  return { float, below, bytes, uuid: () => formatUuid(bytes(16)) };
}

/** Formats 16 random bytes as a version 4 UUID. */
export function formatUuid(random: Uint8Array): string {
  const hex = Array.from(random, (byte, at) => {
    const fixed = at === 6 ? (byte & 0x0f) | 0x40 : at === 8 ? (byte & 0x3f) | 0x80 : byte;
    return fixed.toString(16).padStart(2, "0");
  }).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A random word of lower-case letters and digits without vowels, as names of children use. */
export function randomSuffix(rng: Rng, length: number): string {
  const alphabet = "bcdfghjklmnpqrstvwxz2456789";
  return Array.from({ length }, () => alphabet[rng.below(alphabet.length)]).join("");
}
