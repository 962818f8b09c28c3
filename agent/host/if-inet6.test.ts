import { expect, test } from "vitest";
import { globalIpv6 } from "./if-inet6.js";

const line = (digits: string, scope: string, flags: string, device = "eth0"): string =>
  `${digits} 04 40 ${scope} ${flags}     ${device}`;
const HOST = "20010db8000000000000000000000001";
const LATER = "20010db8000000000000000000000002";

const rows = [
  { what: "one that stands", lines: [line(HOST, "00", "80")], want: ["2001:db8::1"] },
  {
    what: "no address of the link or of the host alone",
    lines: [line(HOST, "20", "80"), line(HOST, "10", "80")],
    want: [],
  },
  { what: "none of another device", lines: [line(HOST, "00", "80", "eth1")], want: [] },
  {
    what: "a temporary one last",
    lines: [line(HOST, "00", "01"), line(LATER, "00", "80")],
    want: ["2001:db8::2", "2001:db8::1"],
  },
  {
    what: "one that is about to go last",
    lines: [line(HOST, "00", "20"), line(LATER, "00", "80")],
    want: ["2001:db8::2", "2001:db8::1"],
  },
  { what: "none that may be another's", lines: [line(HOST, "00", "40"), line(LATER, "00", "c8")], want: [] },
  { what: "nothing of a kernel without IPv6", lines: [""], want: [] },
];
for (const { what, lines, want } of rows)
  test(`a host's addresses of IPv6: ${what}`, () => {
    expect(globalIpv6(`${lines.join("\n")}\n`, "eth0")).toEqual(want);
  });
