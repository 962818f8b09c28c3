/** Safe in names and never a word: no vowels, none of 0, 1, 3 that look like letters. As in Kubernetes. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/**
 * A short name for a plain value: equal for values that are equal in depth, whatever the order of their fields; undefined fields count as
 * absent. Ten characters, about 47 bits: fit to tell versions of one thing apart, not against an attacker.
 */
export function stableHash(value: unknown): string {
  const text = canonical(value);
  return word(fnv(text, 0x811c9dc5), 5) + word(fnv(text, 0x2f0b4a27), 5);
}

/** A number below 27^length as that many characters of the alphabet of names. */
export function word(value: number, length: number): string {
  let rest = value;
  let text = "";
  for (let at = 0; at < length; at += 1) {
    text = (alphabet[rest % alphabet.length] ?? "") + text;
    rest = Math.floor(rest / alphabet.length);
  }
  return text;
}

/** How many words of that length there are. */
export function wordCount(length: number): number {
  return alphabet.length ** length;
}

/** FNV-1a over UTF-16 code units, 32 bits. */
export function fnv(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString("base64")}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  fields.sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(",")}}`;
}
