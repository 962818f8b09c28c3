/**
 * The text with control characters shown instead of sent: what stands in objects was written by others, and a terminal obeys escape
 * sequences. Line breaks and tabs stay.
 */
export function safeText(text: string): string {
  return text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
