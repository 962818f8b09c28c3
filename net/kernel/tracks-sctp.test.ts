import { expect, test } from "vitest";
import { tracksSctp } from "./link-kernel.js";

// What stands in /proc/sys/net/netfilter.
const rows = [
  {
    what: "a kernel that knows both",
    settings: ["nf_conntrack_tcp_timeout_close", "nf_conntrack_sctp_timeout_closed"],
    want: true,
  },
  { what: "one built without SCTP", settings: ["nf_conntrack_max", "nf_conntrack_tcp_timeout_close"], want: false },
  { what: "one that does not say", settings: ["nf_conntrack_max", ""], want: true },
];
test.each(rows)("connections of SCTP are tracked by $what: $want", ({ settings, want }) =>
  expect(tracksSctp(settings)).toBe(want),
);
