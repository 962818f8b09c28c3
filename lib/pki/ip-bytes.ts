/** The 4 or 16 bytes of an IP address; undefined when the text is none. */
export function ipBytes(text: string): Buffer | undefined {
  return ipv4Bytes(text) ?? ipv6Bytes(text);
}

function ipv4Bytes(text: string): Buffer | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255))
    return undefined;
  return Buffer.from(parts.map(Number));
}

function ipv6Bytes(text: string): Buffer | undefined {
  const words = wordsOf(text);
  if (words === undefined || !words.every((word) => /^[0-9a-fA-F]{1,4}$/.test(word))) return undefined;
  return Buffer.from(words.flatMap((word) => splitWord(Number.parseInt(word, 16))));
}

/** The eight words of an IPv6 address with "::" filled in and an IPv4 tail turned into two words. */
function wordsOf(text: string): readonly string[] | undefined {
  const tail = /(?<=:)[\d.]+$/.exec(text)?.[0] ?? "";
  const ipv4 = tail.includes(".") ? ipv4Bytes(tail) : undefined;
  const plain =
    ipv4 === undefined
      ? text
      : `${text.slice(0, -tail.length)}${ipv4.toString("hex", 0, 2)}:${ipv4.toString("hex", 2)}`;
  const halves = plain.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const [head = [], rest = []] = halves;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  const missing = 8 - head.length - rest.length;
  if (halves.length !== 2 || missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => "0"), ...rest];
}

function splitWord(word: number): readonly number[] {
  return [word >> 8, word & 0xff];
}
