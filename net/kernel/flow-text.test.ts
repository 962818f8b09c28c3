import { expect, test } from "vitest";
import { forgetLine, parseFlow } from "./flow-text.js";

// Lines as conntrack 1.4.7 prints them.
const lines = [
  {
    line: "tcp      6 431999 ESTABLISHED src=10.128.1.9 dst=10.96.1.1 sport=40000 dport=80 src=10.128.2.9 dst=10.128.1.9 sport=8080 dport=40000 [ASSURED] mark=0 use=1",
    want: {
      protocol: "tcp",
      from: "10.128.1.9",
      to: "10.128.2.9",
      port: 8080,
      sentTo: "10.96.1.1",
      fromPort: 40_000,
      sentToPort: 80,
    },
  },
  {
    line: "udp      17 29 src=10.128.1.9 dst=10.96.1.1 sport=20001 dport=53 [UNREPLIED] src=10.128.2.9 dst=10.128.1.9 sport=5353 dport=20001 mark=0 use=1",
    want: {
      protocol: "udp",
      from: "10.128.1.9",
      to: "10.128.2.9",
      port: 5353,
      sentTo: "10.96.1.1",
      fromPort: 20_001,
      sentToPort: 53,
    },
  },
  {
    line: "icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=1 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=1 mark=0 use=1",
    want: {
      protocol: "icmp",
      from: "10.0.0.1",
      to: "10.0.0.2",
      port: 0,
      sentTo: "10.0.0.2",
      fromPort: 0,
      sentToPort: 0,
    },
  },
  { line: "", want: undefined },
];
for (const { line, want } of lines) {
  test(`reads ${line.slice(0, 4).trim() || "nothing"}`, () => {
    expect(parseFlow(line)).toEqual(want);
  });
}

test("of connections to an endpoint those alone are forgotten that were translated to it, by either family", () => {
  expect(forgetLine("IPv4", { protocol: "tcp", endpoint: "10.128.1.9" })).toBe(
    "conntrack -D -p tcp --reply-src 10.128.1.9 --dst-nat 10.128.1.9",
  );
  expect(forgetLine("IPv6", { protocol: "sctp", endpoint: "fd00::9" })).toBe(
    "conntrack -D -f ipv6 -p sctp --reply-src fd00::9 --dst-nat fd00::9",
  );
  expect(forgetLine("IPv4", { protocol: "udp", endpoint: "10.128.1.9", endpointPort: 53 })).toBe(
    "conntrack -D -p udp --reply-src 10.128.1.9 --reply-port-src 53",
  );
});
