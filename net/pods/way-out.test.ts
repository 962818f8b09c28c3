import { expect, test } from "vitest";
import { ipv6WayOut, type LinkPlace } from "./way-out.js";

const six = { address: "fd00::2", gateway: "fd00::1", subnet: "fd00::/64" };
const four: LinkPlace = { isInternal: false };
const open: LinkPlace = { isInternal: false, ipv6: six };
const inner: LinkPlace = { isInternal: true, ipv6: six };

const rows: readonly {
  readonly why: string;
  readonly places: readonly LinkPlace[];
  readonly want: number | undefined;
}[] = [
  { why: "the first network has it", places: [open, open], want: 0 },
  { why: "the first network has it and is internal, as by IPv4", places: [inner, open], want: 0 },
  { why: "the first has IPv4 alone", places: [four, open, open], want: 1 },
  { why: "an internal one stands before one with a way out", places: [four, inner, open], want: 2 },
  { why: "all that have it are internal", places: [four, inner, inner], want: 1 },
  { why: "none has it", places: [four, four], want: undefined },
  { why: "the first is not known", places: [undefined, open], want: 1 },
  { why: "there is no network", places: [], want: undefined },
];
for (const { why, places, want } of rows)
  test(`all else leaves by IPv6 by link ${want ?? "none"} when ${why}`, () => {
    expect(ipv6WayOut(places)).toBe(want);
  });
