/** A set of ASCII characters, for questions asked of every character of a text. */
export function charTable(chars: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
}

/** True when the character is in the table; false beyond the end of a text. */
export function isIn(table: Uint8Array, code: number): boolean {
  return code < 128 && table[code] === 1;
}
