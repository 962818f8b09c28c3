import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeObject, type Typed } from "../../../kinds/object.js";
import { Network } from "../../../proto/gen/tallship/v1/network.js";
import { Node } from "../../../proto/gen/tallship/v1/node.js";
import { Service } from "../../../proto/gen/tallship/v1/service.js";
import { ADMIN, type ApiBench, openApiBench } from "../../../test/kit/api-bench.js";

let bench: ApiBench;
beforeEach(async () => {
  bench = await openApiBench();
  const node = (addresses: readonly object[]): Typed<"Node"> => ({
    kind: "Node",
    object: Node.fromPartial({ metadata: { name: "host1" }, status: { addresses: [...addresses] } }),
  });
  await bench.create(node([]));
  const objects = [Buffer.from(encodeObject(node([{ type: "InternalIP", address: "192.0.2.1" }])))];
  await bench.api.updateStatus({ objects }, bench.as({ role: "control-plane", name: "a" }));
  const metadata = { name: "back", namespace: "default" };
  await bench.create({ kind: "Network", object: Network.fromPartial({ metadata, spec: { subnet: "10.64.0.0/20" } }) });
  await bench.create(external("first", "192.0.2.9", 80));
  await bench.caughtUp();
});
afterEach(() => bench.close());

const external = (name: string, ip: string, port: number): Typed<"Service"> => ({
  kind: "Service",
  object: Service.fromPartial({
    metadata: { name, namespace: "default" },
    spec: { selector: { app: name }, externalIPs: [ip], ports: [{ port }] },
  }),
});

// An address of somebody else's, and what is told.
const refusals = [
  { ip: "10.96.0.10", port: 53, why: "10.96.0.10 is an address of the cluster's services (10.96.0.0/12)" },
  {
    ip: "10.128.0.7",
    port: 80,
    why: "10.128.0.7 is an address of the cluster's own pods (network default) (10.128.0.0/9)",
  },
  { ip: "10.64.3.7", port: 80, why: "10.64.3.7 is an address of Network default/back (10.64.0.0/20)" },
  { ip: "192.0.2.1", port: 7443, why: "port 7443 is one that node host1 needs itself" },
  { ip: "192.0.2.9", port: 80, why: "192.0.2.9:80/TCP is taken by Service default/first" },
];
for (const { ip, port, why } of refusals)
  test(`an external address ${ip}, port ${port}, is refused: ${why}`, async () => {
    await expect(bench.create(external("next", ip, port))).rejects.toThrow(`spec.externalIPs[0]: ${why}`);
  });

test("another port of an address that a service has, and a port of a node that is nobody's, are taken", async () => {
  await bench.create(external("next", "192.0.2.9", 81));
  await bench.create(external("own", "192.0.2.1", 80));
});

test("a service keeps what it has when it changes otherwise", async () => {
  const { object } = external("first", "192.0.2.9", 80);
  const changed = {
    kind: "Service" as const,
    object: { ...object, spec: object.spec && { ...object.spec, selector: { app: "b" } } },
  };
  await bench.api.update({ object: Buffer.from(encodeObject(changed)), dryRun: false }, bench.as(ADMIN));
});
