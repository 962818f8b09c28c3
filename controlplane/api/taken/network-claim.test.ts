import { afterEach, expect, test } from "vitest";
import type { Typed } from "../../../kinds/object.js";
import { encodeObject } from "../../../kinds/object.js";
import { DeleteRequest } from "../../../proto/gen/tallship/v1/api.js";
import { Network } from "../../../proto/gen/tallship/v1/network.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
afterEach(() => bench.close());

type Spec = NonNullable<Parameters<typeof Network.fromPartial>[0]["spec"]>;
const network = (name: string, spec: Spec = {}, namespace = "default"): Typed<"Network"> => ({
  kind: "Network",
  object: Network.fromPartial({ metadata: { name, namespace }, spec }),
});
const specOf = (typed: Typed | undefined): Network["spec"] =>
  typed?.kind === "Network" ? typed.object.spec : undefined;

test("networks of one set get ranges and identifiers of their own, apart from the cluster's", async () => {
  bench = await openApiBench();
  const { results } = await bench.apply([network("front"), network("back"), network("safe", { encrypted: true })]);
  expect(results.map(({ outcome }) => outcome)).toEqual(["created", "created", "created"]);
  await bench.caughtUp();
  const specs = (await bench.list({ kind: "Network" })).map(specOf);
  expect(new Set(specs.map((spec) => spec?.subnet))).toEqual(
    new Set(["10.64.0.0/20", "10.64.16.0/20", "10.64.32.0/20"]),
  );
  const vnis = specs.flatMap((spec) => spec?.vni ?? []);
  expect(new Set(vnis).size).toBe(2);
});

// Each row is refused, and says with whom it clashes.
const clashes = [
  { spec: { subnet: "10.200.0.0/16" }, says: "10.200.0.0/16 overlaps 10.128.0.0/9 of the cluster's own pods" },
  { spec: { subnet: "10.96.4.0/24" }, says: "overlaps 10.96.0.0/12 of the cluster's services" },
  { spec: { subnet: "172.28.3.0/24" }, says: "172.28.3.0/24 overlaps 172.28.0.0/16 of Network default/first" },
  { spec: { subnet: "172.29.0.0/16", vni: 77 }, says: "77 is that of Network default/first" },
  { spec: { subnet: "172.29.0.1/16" }, says: "host bits are set" },
  { spec: { driver: "bridge", vni: 5 }, says: "spec.vni: only for driver overlay without encryption" },
  { spec: { subnet: "172.29.0.0/24", nodePrefixLength: 24 }, says: "want 25 to 30 for 172.29.0.0/24, found 24" },
] as const;

for (const { spec, says } of clashes)
  test(`refused: ${says}`, async () => {
    bench = await openApiBench();
    await bench.create(network("first", { subnet: "172.28.0.0/16", vni: 77 }));
    await expect(bench.create(network("second", spec, "kube-system"))).rejects.toThrow(says);
  });

const DUAL = { podCIDRIPv6: "fd00:10:128::/56", serviceCIDRIPv6: "fd00:10:96::/108" };

test("in a cluster of both families a network gets a range of IPv6 by lot, or the one that it names, however that is spelled", async () => {
  bench = await openApiBench({ ranges: DUAL });
  await bench.create(network("drawn", { ipFamilyPolicy: "RequireDualStack" }));
  await bench.create(network("other", { ipFamilyPolicy: "PreferDualStack" }));
  await bench.create(network("named", { subnets: ["FD00:0:77::/64"] }));
  await bench.create(network("whole", { subnets: ["172.28.0.0/16", "2001:db8::/48"] }));
  await bench.create(network("single"));
  await bench.create(network("safe", { encrypted: true, ipFamilyPolicy: "PreferDualStack" }));
  const rangesOf = async (name: string) => specOf(await bench.get("Network", "default", name))?.subnets;
  const drawn = [await rangesOf("drawn"), await rangesOf("other")].map((ranges) => ranges?.[1]);
  for (const range of drawn) expect(range).toMatch(/^fd[0-9a-f]{2}:.*\/64$/);
  expect(new Set(drawn).size).toBe(2);
  expect(await rangesOf("named")).toEqual(["10.64.32.0/20", "fd00:0:77::/64"]);
  expect(await rangesOf("whole")).toEqual(["172.28.0.0/16", "2001:db8::/48"]);
  expect(specOf(await bench.get("Network", "default", "whole"))?.subnet).toBe("172.28.0.0/16");
  expect(await rangesOf("single")).toHaveLength(1);
  expect(await rangesOf("safe")).toHaveLength(2);
});

test("ranges of IPv6 stay when the network is written without them or under another spelling, and cannot be changed", async () => {
  bench = await openApiBench({ ranges: DUAL });
  await bench.create(network("back", { subnets: ["fd00:0:77::/64"] }));
  const write = async (spec: Spec) => {
    const object = Buffer.from(encodeObject(network("back", spec)));
    await bench.api.update({ object, dryRun: false }, bench.as(ADMIN));
    return specOf(await bench.get("Network", "default", "back"))?.subnets;
  };
  const whole = ["10.64.0.0/20", "fd00:0:77::/64"];
  expect(await write({ internal: true })).toEqual(whole);
  expect(await write({ subnets: ["fd00:0000:0077::/64"] })).toEqual(whole);
  await expect(write({ subnets: ["fd00:0:78::/64"] })).rejects.toThrow("spec.subnets");
});

test("a cluster of IPv4 alone gives a network that only prefers both families what it can, again and again, and refuses others", async () => {
  bench = await openApiBench();
  const wish: Spec = { subnets: ["fd00:0:77::/64"], ipFamilyPolicy: "PreferDualStack" };
  await bench.create(network("back", wish));
  expect(specOf(await bench.get("Network", "default", "back"))?.subnets).toEqual(["10.64.0.0/20"]);
  await bench.api.update({ object: Buffer.from(encodeObject(network("back", wish))), dryRun: false }, bench.as(ADMIN));
  expect(specOf(await bench.get("Network", "default", "back"))?.subnets).toEqual(["10.64.0.0/20"]);
  const refusal = "by --pod-cidr and --service-cidr), found fd00:0:77::/64";
  await expect(bench.create(network("x", { subnets: ["fd00:0:77::/64"] }))).rejects.toThrow(refusal);
  await expect(bench.create(network("y", { ipFamilyPolicy: "RequireDualStack" }))).rejects.toThrow(
    "this cluster has addresses of IPv4 alone (tallshipd init takes ranges of both families",
  );
});

// Each row is refused in a cluster of both families, and says with whom it clashes or what is wrong with it.
const dualClashes = [
  { spec: { subnets: ["fd00:10:128:4::/64"] }, says: "overlaps fd00:10:128::/56 of the cluster's own pods" },
  { spec: { subnets: ["fd00:10:96::/64"] }, says: "overlaps fd00:10:96::/108 of the cluster's services" },
  { spec: { subnets: ["2001:db8::/32"] }, says: "2001:db8::/32 overlaps 2001:db8:5::/64 of Network default/first" },
  { spec: { subnets: ["2001:db9::/64"] }, says: "2001:db9::/64 overlaps 2001:db9::9 of node host" },
  { spec: { subnet: "192.0.2.0/24" }, says: "192.0.2.0/24 overlaps 192.0.2.9 of node host" },
  { spec: { subnets: ["fd00:1::/97"] }, says: "want an IPv6 range of /32 to /96, found fd00:1::/97" },
  { spec: { subnets: ["fe80::/64"] }, says: "want a range of 2000::/3 or fc00::/7, found fe80::/64" },
  { spec: { subnets: ["fd00:1::1/64"] }, says: "host bits are set" },
  { spec: { subnets: ["fd00:1::/64", "fd00:2::/64"] }, says: "want one range of IPv6, found fd00:2::/64 as well" },
  { spec: { subnet: "172.29.0.0/16", subnets: ["172.30.0.0/16"] }, says: "want the range that spec.subnet says" },
  { spec: { ipFamilyPolicy: "SingleStack", subnets: ["fd00:1::/64"] }, says: "must be RequireDualStack or" },
] as const;

for (const { spec, says } of dualClashes)
  test(`refused: ${says}`, async () => {
    bench = await openApiBench({ ranges: DUAL });
    const addresses = ["192.0.2.9", "2001:db9::9"].map((address) => ({ type: "InternalIP", address }));
    await bench.create({ kind: "Node", object: Node.fromPartial({ metadata: { name: "host" } }) });
    const object = Node.fromPartial({ metadata: { name: "host" }, status: { addresses } });
    const objects = [Buffer.from(encodeObject({ kind: "Node", object }))];
    await bench.api.updateStatus({ objects }, bench.as(ADMIN));
    await bench.caughtUp();
    await bench.create(network("first", { subnets: ["172.28.0.0/16", "2001:db8:5::/64"] }));
    await expect(bench.create(network("second", structuredClone<Spec>(spec), "kube-system"))).rejects.toThrow(says);
  });

test("a range is free again once its network is deleted, and stays when the network is written without it", async () => {
  bench = await openApiBench();
  await bench.create(network("first", { subnet: "172.28.0.0/16" }));
  const object = Buffer.from(encodeObject(network("first", { internal: true })));
  await bench.api.update({ object, dryRun: false }, bench.as(ADMIN));
  expect(specOf(await bench.get("Network", "default", "first"))).toMatchObject({
    subnet: "172.28.0.0/16",
    internal: true,
  });
  const name = { kind: "Network", namespace: "default", name: "first" };
  await bench.api.delete(DeleteRequest.fromPartial({ name }), bench.as(ADMIN));
  await bench.caughtUp();
  await bench.create(network("second", { subnet: "172.28.0.0/16" }));
});
