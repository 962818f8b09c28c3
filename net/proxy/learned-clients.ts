import type { RuleElement } from "../kernel/rules.js";

const TIMES = /^(.*) timeout (\S+) expires (\S+)$/;

const UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
  ["ms", 1],
];

/**
 * A client that the kernel remembers, as it takes it back. Where a service has come to let clients keep their endpoint for longer, an element has the time that it was made with and the rest of a longer one, which
 * the kernel shows and refuses: then the rest is its time.
 */
export function asTakenBack(element: RuleElement): RuleElement {
  const [, client, timeout = "", expires = ""] = TIMES.exec(element.key) ?? [];
  if (client === undefined || millisecondsOf(expires) <= millisecondsOf(timeout)) return element;
  return { ...element, key: `${client} timeout ${expires} expires ${expires}` };
}

/** A time as nft writes it, such as 2h59m59s992ms. */
function millisecondsOf(text: string): number {
  const parts = [...text.matchAll(/(\d+)(ms|d|h|m|s)/g)];
  return parts.reduce((sum, [, count, unit]) => {
    const length = UNITS.find(([name]) => name === unit)?.[1] ?? 0;
    return sum + Number(count) * length;
  }, 0);
}
