import { expect, test } from "vitest";
import type { HostFacts } from "./host-facts.js";
import { nodeStatus } from "./node-status.js";

const FACTS = { memoryBytes: 1, nodeIP: "192.0.2.1", systemInfo: {} } as HostFacts; // What the test does not ask about is left out.

test.each([true, false])(
  "a node says that services lead no SCTP there where its kernel tracks none (tracked: %s)",
  (tracksSctp) => {
    const overlay = { vtepMAC: "", mtu: 1_450, leadsBack: true, leadsBackIpv6: false, tracksSctp };
    const devices = { counts: {}, devices: [], problems: [] };
    const { conditions } = nodeStatus(FACTS, { overlay, reported: [], devices, nowMs: 0 });
    const found = conditions.filter(({ type }) => type === "SCTPUnavailable");
    expect(found.map(({ status, reason }) => `${status} ${reason}`)).toEqual(tracksSctp ? [] : ["True NotTracked"]);
  },
);
