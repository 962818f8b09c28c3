/** True for four decimal bytes without leading zeros. */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** True for an IPv6 address without zone; "::" stands for at least one group. */
export function isIpv6(text: string): boolean {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return false;
  const counts = halves.map((half, at) => groupsIn(half, at === halves.length - 1));
  const [first = -1, second] = counts;
  if (counts.includes(-1)) return false;
  return second === undefined ? first === 8 : first + second < 8;
}

/** Groups of 16 bits in one half; -1 when it is malformed. Only the last half may end in an IPv4 address. */
function groupsIn(half: string, isLast: boolean): number {
  if (half === "") return 0;
  const groups = half.split(":");
  const last = groups.at(-1) ?? "";
  const isMixed = isLast && last.includes(".");
  if (isMixed && !isIpv4(last)) return -1;
  const plain = isMixed ? groups.slice(0, -1) : groups;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return -1;
  return plain.length + (isMixed ? 2 : 0);
}
