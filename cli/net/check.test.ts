import { afterEach, beforeEach, expect, test } from "vitest";
import { NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
let measured: Parameters<typeof NetworkResponse.fromPartial>[0];
beforeEach(async () => {
  measured = {};
  bench = await openTsctlBench({ network: async () => NetworkResponse.fromPartial(measured) });
  for (const name of ["host1", "host2"])
    await bench.api.create(objectOf(`{apiVersion: v1, kind: Node, metadata: {name: ${name}}}`));
});
afterEach(() => bench.close());

const well = { roundTripMs: 0.21, lossRatio: 0 };
const fine = { underlay: well, overlay: { roundTripMs: 0.4, lossRatio: 0 }, mtu: 1450 };

test("net check shows every pair, and succeeds while nothing is at fault", async () => {
  measured = {
    nodes: [
      { name: "host1", report: { paths: [{ peer: "host2", ...fine }] } },
      { name: "host2", report: { paths: [{ peer: "host1", ...fine }], nameServers: [{ address: "192.0.2.53" }] } },
    ],
  };
  expect(await succeed(bench, "net check")).toBe(
    [
      "FROM    TO      UNDERLAY   OVERLAY   LOSS      MTU    FAULT   REMEDY",
      "host1   host2   0.21ms     0.40ms    0% / 0%   1450   -       -",
      "host2   host1   0.21ms     0.40ms    0% / 0%   1450   -       -",
      "",
    ].join("\n"),
  );
});

test("net check shows the way by IPv6 where nodes have measured one", async () => {
  const silent = { lossRatio: 1 };
  measured = {
    nodes: [
      { name: "host1", report: { paths: [{ peer: "host2", ...fine, ipv6: silent, fault: "IPv6Blocked" }] } },
      { name: "host2", report: { paths: [{ peer: "host1", ...fine }] } },
    ],
  };
  expect((await bench.run(["net", "check"])).out.split("\n").slice(0, 3)).toEqual([
    "FROM    TO      UNDERLAY   OVERLAY   IPV6        LOSS             MTU    FAULT         REMEDY",
    "host1   host2   0.21ms     0.40ms    no answer   0% / 0% / 100%   1450   IPv6Blocked   -",
    "host2   host1   0.21ms     0.40ms    <unknown>   0% / 0% / -      1450   -             -",
  ]);
});

test("net check names the fault, in the table and in a sentence, and fails", async () => {
  const broken = {
    ...fine,
    mtu: 1350,
    fault: "MtuBlackHole",
    message: "packets over 1400 bytes to host2 are dropped",
    remedy: "route MTU 1350",
  };
  const server = { address: "192.0.2.53", fault: "DnsUpstreamDown", message: "name server 192.0.2.53 is silent" };
  measured = { nodes: [{ name: "host1", report: { paths: [{ peer: "host2", ...broken }], nameServers: [server] } }] };
  const { out, code } = await bench.run(["net", "check"]);
  expect(code).toBe(1);
  expect(out.split("\n").slice(1)).toEqual([
    "host1   host2   0.21ms     0.40ms    0% / 0%   1350   MtuBlackHole   route MTU 1350",
    "",
    "host1: packets over 1400 bytes to host2 are dropped",
    "host1: DnsUpstreamDown: name server 192.0.2.53 is silent",
    "host2: it has told nothing: it has no session with the control plane, or just began",
    "",
  ]);
});

test("net check of a node shows the pairs that it is one of; of no node it fails", async () => {
  const silent = {
    peer: "host2",
    underlay: { lossRatio: 1 },
    fault: "PeerUnreachable",
    message: "nothing reaches host2",
  };
  measured = { nodes: [{ name: "host1", report: { paths: [silent] } }] };
  const { out, code } = await bench.run(["net", "check", "host2"]);
  expect(code).toBe(1);
  expect(out).toContain("host1   host2   no answer   <unknown>   100% / -   <unknown>   PeerUnreachable   -\n");
  expect((await bench.run(["net", "check", "nobody"])).code).toBe(3);
});

test("doctor names what is at fault between nodes", async () => {
  measured = { nodes: [{ name: "host1", report: { paths: [{ peer: "host2", ...fine }] } }] };
  expect((await bench.run(["doctor"])).out).toContain("ok   network: nothing is at fault on 1 ways between nodes\n");
  measured = { nodes: [{ name: "host1", report: { paths: [{ peer: "host2", ...fine, fault: "VxlanBlocked" }] } }] };
  const { out, code } = await bench.run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toContain("BAD  network: 1 of 1 ways between nodes are at fault: VxlanBlocked from host1 to host2\n");
});

test("net check shows ways by networks beside the cluster's own, and fails for one alone", async () => {
  const way = { network: "default/back", measure: well };
  const message = "packets of network default/back to host2 are not answered";
  const silent = { ...way, measure: { lossRatio: 1 }, fault: "NetworkBlocked", message };
  measured = {
    nodes: [
      { name: "host1", report: { paths: [{ peer: "host2", ...fine, networks: [silent] }] } },
      { name: "host2", report: { paths: [{ peer: "host1", ...fine, networks: [way] }] } },
    ],
  };
  const { out, code } = await bench.run(["net", "check"]);
  expect(out.split("\n").slice(4)).toEqual([
    "NETWORK        FROM    TO      TIME        LOSS   FAULT",
    "default/back   host1   host2   no answer   100%   NetworkBlocked",
    "default/back   host2   host1   0.21ms      0%     -",
    "",
    "host1: packets of network default/back to host2 are not answered",
    "",
  ]);
  expect(code).toBe(1);
  const both = [
    { ...way, family: "IPv4" },
    { ...silent, family: "IPv6" },
  ];
  measured = { nodes: [{ name: "host1", report: { paths: [{ peer: "host2", ...fine, networks: both }] } }] };
  expect((await bench.run(["net", "check"])).out.split("\n").slice(3, 6)).toEqual([
    "NETWORK        FROM    TO      FAMILY   TIME        LOSS   FAULT",
    "default/back   host1   host2   IPv4     0.21ms      0%     -",
    "default/back   host1   host2   IPv6     no answer   100%   NetworkBlocked",
  ]);
});
